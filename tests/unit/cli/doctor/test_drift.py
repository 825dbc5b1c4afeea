"""Which differences between an applied object and the cluster are drift."""

from typing import Any

import pytest

from cli.doctor.api import Identity
from cli.doctor.drift import differences
from cli.doctor.state import SECRET, applied

CONTAINER = {"name": "a", "image": "x:1"}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"spec": {"replicas": 1}}, {"spec": {"replicas": 1, "paused": True}, "status": {}}),
        ({"cpu": "1000m", "memory": "1Gi"}, {"cpu": "1", "memory": "1024Mi"}),
        ({"hostNetwork": False, "labels": {}, "args": [], "command": None}, {}),
        ({"containers": [CONTAINER]}, {"containers": [{"name": "sidecar"}, CONTAINER]}),
        ({"data": {SECRET: "v1:x"}}, {"data": {"password": "changed"}}),
        ({"metadata": {"annotations": {"pulumi.com/waitFor": "x"}}, "__engine": 1}, {"metadata": {"annotations": {}}}),
        ({"namespaces": ["a", "b"]}, {"namespaces": ["a", "b"]}),
    ],
)
def test_no_drift(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    assert list(differences(wanted, found)) == []


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ({"spec": {"replicas": 1}}, {"spec": {"replicas": 0}}, "spec.replicas is 0 instead of 1"),
        ({"labels": {"a": "b"}}, {}, "labels is absent"),
        ({"memory": "1Gi"}, {"memory": "1G"}, "memory is 1G instead of 1Gi"),
        ({"containers": [CONTAINER]}, {"containers": [CONTAINER | {"image": "x:2"}]}, "containers[a].image is x:2 "),
        ({"containers": [CONTAINER]}, {"containers": [{"name": "b"}]}, "containers[a] is absent"),
        ({"namespaces": ["a", "b"]}, {"namespaces": ["a"]}, "namespaces has 1 entries instead of 2"),
        ({"namespaces": ["a", "b"]}, {"namespaces": ["b", "a"]}, "namespaces[0] is b instead of a"),
        ({"config": "a\nb"}, {"config": "a\nc"}, "config is another value instead of another value"),
        ({"enabled": True}, {"enabled": False}, "enabled is False instead of True"),
    ],
)
def test_drift(wanted: dict[str, Any], found: dict[str, Any], expected: str) -> None:
    difference, *_ = differences(wanted, found)
    assert difference.startswith(expected)


def test_the_objects_of_a_state() -> None:
    inputs = {"apiVersion": "v1", "kind": "Namespace"}
    patched: dict[str, Any] = {"type": "kubernetes:core/v1:NamespacePatch", "id": "models", "inputs": inputs}
    service = {"type": "kubernetes:core/v1:Service", "id": "models/etcd", "inputs": inputs | {"kind": "Service"}}
    others: list[dict[str, Any]] = [
        service | {"id": "models/old", "delete": True},
        {"type": "pulumi:providers:kubernetes", "id": "x", "inputs": {}},
        {"type": "kubernetes:yaml/v2:ConfigGroup", "id": "", "inputs": None},
    ]
    found = [each.identity for each in applied([patched, service, *others])]
    assert found == [Identity("Namespace", "", "models"), Identity("Service", "models", "etcd")]
