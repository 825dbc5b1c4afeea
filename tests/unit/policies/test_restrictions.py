"""What containers have to renounce, and who is excused."""

from typing import Any

import pytest

from policies.rules.reading import UNKNOWN
from policies.rules.restrictions import RESTRICTED_CONTAINERS, UPSTREAM
from tests.unit.policies.resources import POD, SECURITY, TEMPLATE, found, making_pods, resource, spoilt

TOKEN = "apps/v1:Deployment"  # noqa: S105  a type
CONTEXT = ("spec", "template", "spec", "containers", 0, "securityContext")
PATH = "spec.template.spec.containers[0].securityContext"
RUNTIMES = ("serving.kserve.io/v1alpha1:ServingRuntime", "serving.kserve.io/v1alpha1:ClusterServingRuntime")
NOTHING_SAID = [
    "runAsNonRoot: missing, expected true",
    "allowPrivilegeEscalation: missing, expected false",
    "readOnlyRootFilesystem: missing, expected true",
    "capabilities.drop: missing, expected ALL",
]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("runAsNonRoot", None, "runAsNonRoot: missing, expected true"),
        ("runAsNonRoot", False, "runAsNonRoot: false, expected true"),
        ("allowPrivilegeEscalation", None, "allowPrivilegeEscalation: missing, expected false"),
        ("allowPrivilegeEscalation", True, "allowPrivilegeEscalation: true, expected false"),
        ("readOnlyRootFilesystem", None, "readOnlyRootFilesystem: missing, expected true"),
        ("readOnlyRootFilesystem", False, "readOnlyRootFilesystem: false, expected true"),
        ("capabilities", None, "capabilities.drop: missing, expected ALL"),
        ("capabilities", {"drop": ["NET_RAW", "CHOWN"]}, "capabilities.drop: NET_RAW, CHOWN, expected ALL"),
        ("capabilities", {"drop": []}, "capabilities.drop: nothing, expected ALL"),
    ],
)
def test_what_is_not_renounced_is_named(field: str, value: Any, message: str) -> None:
    one = resource(TOKEN, spoilt(making_pods(TOKEN), (*CONTEXT, field), value))
    assert found(RESTRICTED_CONTAINERS, one) == [f"{PATH}.{message}"]


def test_each_container_that_says_nothing_is_named() -> None:
    silent = spoilt(making_pods(TOKEN), CONTEXT, None)
    assert found(RESTRICTED_CONTAINERS, resource(TOKEN, silent)) == [f"{PATH}.{message}" for message in NOTHING_SAID]


def test_a_pod_may_renounce_root_for_its_containers_and_each_of_them_may_take_it_back() -> None:
    silent = {key: value for key, value in SECURITY.items() if key != "runAsNonRoot"}
    pod = {**TEMPLATE["template"]["spec"], "securityContext": {"runAsNonRoot": True}}
    properties = spoilt(making_pods(TOKEN, pod), CONTEXT, silent)
    assert found(RESTRICTED_CONTAINERS, resource(TOKEN, properties)) == []
    properties = spoilt(properties, CONTEXT, silent | {"runAsNonRoot": False})
    message = f"{PATH}.runAsNonRoot: false, expected true"
    assert found(RESTRICTED_CONTAINERS, resource(TOKEN, properties)) == [message]


def test_one_of_the_dropped_capabilities_may_not_be_known_yet() -> None:
    properties = spoilt(making_pods(TOKEN), (*CONTEXT, "capabilities"), {"drop": ["NET_RAW", UNKNOWN]})
    assert found(RESTRICTED_CONTAINERS, resource(TOKEN, properties)) == []


@pytest.mark.parametrize("token", RUNTIMES)
@pytest.mark.parametrize("name", UPSTREAM)
def test_upstreams_runtimes_are_excused_with_a_reason(token: str, name: str) -> None:
    silent = {"metadata": {"name": name}, "spec": {**POD, "containers": [{"name": name.partition("-")[0]}]}}
    assert found(RESTRICTED_CONTAINERS, resource(token, silent)) == []
    assert UPSTREAM[name]
    other = resource(token, silent | {"metadata": {"name": f"my-{name}"}})
    assert found(RESTRICTED_CONTAINERS, other) == [
        f"spec.containers[0].securityContext.{message}" for message in NOTHING_SAID
    ]


@pytest.mark.parametrize("token", RUNTIMES)
def test_a_runtime_of_ones_own_is_not_excused_by_being_called_like_one_of_upstreams(token: str) -> None:
    silent = {"metadata": {"name": "triton-2.x"}, "spec": {**POD, "containers": [{"name": "triton"}]}}
    own = resource(token, silent, within=f"modelmesh:index:{token.rpartition(':')[2]}")
    assert len(found(RESTRICTED_CONTAINERS, own)) == len(NOTHING_SAID)


def test_nothing_else_is_excused_by_the_name_of_one_of_upstreams_runtimes() -> None:
    silent = spoilt(making_pods(TOKEN), CONTEXT, None) | {"metadata": {"name": "triton-2.x"}}
    assert len(found(RESTRICTED_CONTAINERS, resource(TOKEN, silent))) == len(NOTHING_SAID)


def test_objects_can_be_excused_by_name() -> None:
    silent = spoilt(making_pods(TOKEN), CONTEXT, None) | {"metadata": {"name": "old"}}
    assert found(RESTRICTED_CONTAINERS, resource(TOKEN, silent), exempt=["old"]) == []
    assert len(found(RESTRICTED_CONTAINERS, resource(TOKEN, silent), exempt=["other"])) == len(NOTHING_SAID)
