"""What pods may not ask for; nobody is excused."""

from typing import Any

import pytest

from policies.rules.privileges import NO_PRIVILEGES
from policies.rules.restrictions import UPSTREAM
from tests.unit.policies.resources import PLACES, found, making_pods, resource, spoilt

TOKEN = "batch/v1:CronJob"  # noqa: S105  a type
POD = PLACES[TOKEN]
PATH = ".".join(POD)

ASKED: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("hostNetwork",), True, "hostNetwork: true, expected none"),
    (("hostPID",), True, "hostPID: true, expected none"),
    (("hostIPC",), True, "hostIPC: true, expected none"),
    (("securityContext",), {"runAsUser": 0.0}, "securityContext.runAsUser: 0, expected another user than root"),
    (
        ("volumes", 1),
        {"name": "node", "hostPath": {"path": "/"}},
        "volumes[1].hostPath: given, expected another kind of volume",
    ),
    (
        ("containers", 0, "securityContext", "privileged"),
        True,
        "containers[0].securityContext.privileged: true, expected false",
    ),
    (
        ("containers", 0, "securityContext", "allowPrivilegeEscalation"),
        True,
        "containers[0].securityContext.allowPrivilegeEscalation: true, expected false",
    ),
    (
        ("containers", 0, "securityContext", "runAsUser"),
        0.0,
        "containers[0].securityContext.runAsUser: 0, expected another user than root",
    ),
    (
        ("initContainers", 0, "securityContext", "capabilities", "add"),
        ["NET_ADMIN", "SYS_TIME"],
        "initContainers[0].securityContext.capabilities.add: NET_ADMIN, SYS_TIME, expected none",
    ),
    (
        ("containers", 0, "ports"),
        [{"containerPort": 80.0}, {"containerPort": 80.0, "hostPort": 8080.0}],
        "containers[0].ports[1].hostPort: 8080, expected none",
    ),
]


@pytest.mark.parametrize(("place", "value", "message"), ASKED)
def test_power_over_the_node_is_refused(place: tuple[str | int, ...], value: Any, message: str) -> None:
    one = resource(TOKEN, spoilt(making_pods(TOKEN), (*POD, *place), value))
    assert found(NO_PRIVILEGES, one) == [f"{PATH}.{message}"]


@pytest.mark.parametrize("runtime", UPSTREAM)
def test_upstreams_runtimes_are_not_excused(runtime: str) -> None:
    token = "serving.kserve.io/v1alpha1:ClusterServingRuntime"  # noqa: S105  a type
    asking = spoilt(making_pods(token), ("spec", "containers", 0, "securityContext"), {"privileged": True})
    one = resource(token, asking | {"metadata": {"name": runtime}})
    assert found(NO_PRIVILEGES, one) == ["spec.containers[0].securityContext.privileged: true, expected false"]
