"""No rule of runtimes complains about a value that is known only after the update, whichever it is."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from components.checks import KNOWN_LATER
from components.core.problem import FieldPath
from components.runtimes.runtime_rules import runtime_problems
from components.upstream import spec_problems
from tests.unit.stack.worlds import config

Path = tuple[str | int, ...]

ADAPTED: dict[str, Any] = {
    "metadata": {
        "name": "adapted",
        "annotations": {
            "maxLoadingConcurrency": "2",
            "perModelConcurrencyLimit": "3",
            "productConfig": "product",
            "serving.kserve.io/autoscalerClass": "hpa",
            "serving.kserve.io/metrics": "memory",
            "serving.kserve.io/targetUtilizationPercentage": "100",
            "serving.kserve.io/min-scale": "1",
            "serving.kserve.io/max-scale": "2",
        },
    },
    "spec": {
        "multiModel": True,
        "protocolVersions": ["grpc-v2"],
        "labels": {"a": "b", "empty": ""},
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "imagePullSecrets": [{"name": "a"}],
        "tolerations": [
            {"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute", "tolerationSeconds": 5},
            {"operator": "Exists"},
        ],
        "supportedModelFormats": [{"name": "a", "version": KNOWN_LATER}, {"name": "a", "version": KNOWN_LATER}],
        "grpcEndpoint": "port:8085",
        "grpcDataEndpoint": "port:8001",
        "volumes": [{"name": "a", "emptyDir": {}}],
        "containers": [
            {
                "name": "mlserver",
                "image": "server:1",
                "imagePullPolicy": "Always",
                "env": [
                    {"name": "MLSERVER_GRPC_PORT", "value": "8001"},
                    {"name": "MLSERVER_MODELS_DIR", "value": "/models/_mlserver_models"},
                ],
                "ports": [{"name": "a", "containerPort": 8001}],
                "volumeMounts": [{"name": "a", "mountPath": "/a"}],
                "resources": {
                    "requests": {"memory": "1Gi", "cpu": 1, "nvidia.com/gpu": 1},
                    "limits": {"memory": "1Gi", "nvidia.com/gpu": 1},
                },
            }
        ],
        "builtInAdapter": {
            "serverType": "mlserver",
            "runtimeManagementPort": 8001,
            "memBufferBytes": 134217728,
            "modelLoadingTimeoutMillis": 90000,
            "env": [
                {"name": "DEFAULT_MODELSIZE", "value": "1000000"},
                {"name": "CONTAINER_MEM_REQ_BYTES", "value": "1000000000"},
            ],
        },
    },
}
OWN_ADAPTER: dict[str, Any] = {
    "metadata": {"name": "own"},
    "spec": {
        "multiModel": True,
        "replicas": 1,
        "supportedModelFormats": [{"name": KNOWN_LATER}, {"name": KNOWN_LATER}],
        "grpcEndpoint": "unix:/run/a",
        "grpcDataEndpoint": "unix:/run/b",
        "storageHelper": {"disabled": True},
        "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}],
        "containers": [
            {
                "name": "first",
                "image": "server:1",
                "volumeMounts": [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b"}],
            },
            {"name": "second", "image": "server:1"},
        ],
    },
}


def paths(value: Any) -> Iterator[Path]:
    """The paths of all values below this one."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (key,)
        yield from ((key, *path) for path in paths(part))


def complaints(document: dict[str, Any]) -> list[str]:
    found = [*spec_problems("ServingRuntime", document["spec"]), *runtime_problems(document, config())]
    return [str(problem) for problem in found]


@pytest.mark.parametrize("document", [ADAPTED, OWN_ADAPTER], ids=["adapted", "own adapter"])
def test_any_value_may_be_known_later(document: dict[str, Any]) -> None:
    assert complaints(document) == []
    annotations = ((("metadata", "annotations"), key) for key in document["metadata"].get("annotations", {}))
    values = [*((*path, key) for path, key in annotations), *(("spec", *path) for path in paths(document["spec"]))]
    found = {}
    for *path, last in values:
        changed = copy.deepcopy(document)
        place: Any = changed
        for key in path:
            place = place[key]
        place[last] = KNOWN_LATER
        found[str(FieldPath(*path, last))] = complaints(changed)
    assert {path: problems for path, problems in found.items() if problems} == {}
