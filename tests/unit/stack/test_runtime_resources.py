"""Environment, GPUs, scheduling and shared memory of a custom MLServer runtime."""

from typing import Any

import pytest
from pulumi_kubernetes.core.v1 import TolerationArgs

from components import InvalidSpecError
from components.core.names_and_quantities import MIB
from components.runtimes import MemoryPlan, SecretKey
from components.runtimes.runtime_rules import runtime_problems
from tests.unit.stack.runtimes import mlserver
from tests.unit.stack.worlds import config

TOKEN = SecretKey(secret="huggingface", key="token")  # noqa: S106  names


def container(**arguments: Any) -> Any:
    return mlserver(**arguments).spec()["containers"][0]


def problems(**arguments: Any) -> list[str]:
    try:
        spec = mlserver(**arguments).spec()
    except InvalidSpecError as error:
        return [*map(str, error.problems)]
    return [*map(str, runtime_problems({"metadata": {"name": "x"}, "spec": spec}, config()))]


def test_a_variable_has_a_value_or_is_the_key_of_a_secret() -> None:
    variables = container(environment={"MAX_TOKENS": "9", "HF_TOKEN": TOKEN})["env"]
    assert variables[-2:] == [
        {"name": "MAX_TOKENS", "value": "9"},
        {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "huggingface", "key": "token"}}},
    ]


def test_gpus_are_requests_and_limits() -> None:
    resources = container(gpus={"nvidia.com/gpu": 1})["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"


def test_nodes_are_selected_by_labels_and_tolerated_taints() -> None:
    taint = TolerationArgs(key="nvidia.com/gpu", operator="Exists", effect="NoSchedule")
    spec = mlserver(node_selector={"pool": "gpu"}, tolerations=[taint]).spec()
    assert spec["nodeSelector"] == {"pool": "gpu"}
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_shared_memory_is_a_volume_of_memory_that_models_cannot_have() -> None:
    spec = mlserver(shared_memory="256Mi").spec()
    assert spec["volumes"][1:] == [
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": str(256 * MIB)}}
    ]
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in spec["containers"][0]["volumeMounts"]  # noqa: S108
    assert spec["builtInAdapter"]["memBufferBytes"] == (128 + 256) * MIB


def test_a_plan_counts_shared_memory() -> None:
    plan, shared = (
        MemoryPlan(model_bytes=100 * MIB, resident_models=3, shared_memory_bytes=size) for size in (None, 256 * MIB)
    )
    assert shared.memory_bytes - plan.memory_bytes == 256 * MIB
    assert shared.room_bytes == plan.room_bytes
    assert mlserver(plan=shared).spec()["volumes"][1]["emptyDir"]["sizeLimit"] == str(256 * MIB)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"environment": {"HF_TOKEN": SecretKey(secret="Hugging_Face", key="token")}},  # noqa: S106
            "environment.HF_TOKEN.secret: 'Hugging_Face', expected lower-case letters, digits, - and .",
        ),
        (
            {"environment": {"HF_TOKEN": SecretKey(secret="a", key="b/c")}},  # noqa: S106
            "environment.HF_TOKEN.key: 'b/c', expected a key of up to 253 letters",
        ),
        (
            {"environment": {"9LIVES": "cat"}},
            "environment.9LIVES: (not shown), expected a name of letters, digits, _, - and ., not a digit first",
        ),
        ({"gpus": {"gpu": 1}}, "gpus.gpu: 'gpu', expected the name of a device's resource, like nvidia.com/gpu"),
        ({"gpus": {"NVIDIA com/gpu": 1}}, "'NVIDIA com/gpu', expected the name of a device's resource"),
        ({"gpus": {"nvidia.com/a gpu": 1}}, "'nvidia.com/a gpu', expected the name of a device's resource"),
        ({"gpus": {"nvidia.com/gpu": 0}}, 'gpus["nvidia.com/gpu"]: 0, expected 1 or more'),
        ({"memory": "lots"}, "memory: 'lots', expected a quantity above zero"),
        ({"shared_memory": "lots"}, "shared_memory: 'lots', expected a quantity above zero"),
        (
            {"plan": MemoryPlan(model_bytes=1, resident_models=1), "shared_memory": "1Gi"},
            "shared_memory: '1Gi', expected none together with plan, which sets it",
        ),
        (
            {"plan": MemoryPlan(model_bytes=1, resident_models=1, shared_memory_bytes=0)},
            "plan.shared_memory_bytes: 0, expected more than 0",
        ),
        ({"shared_memory": "1Gi"}, "spec.builtInAdapter.memBufferBytes: 1207959552, expected at least"),
        ({"node_selector": {"pool": "a b"}}, "spec.nodeSelector.pool: 'a b', expected up to 63 letters"),
        (
            {"tolerations": [TolerationArgs(key="gpu", operator="In")]},
            "spec.tolerations[0].operator: 'In', expected Equal or Exists",
        ),
        (
            {"tolerations": [TolerationArgs(key="gpu", effect="Never")]},
            "spec.tolerations[0].effect: 'Never', expected one of NoSchedule, PreferNoSchedule, NoExecute",
        ),
        (
            {"tolerations": [TolerationArgs(operator="Exists", toleration_seconds=5)]},
            "spec.tolerations[0].tolerationSeconds: 5, expected none unless effect is NoExecute",
        ),
        ({"tolerations": [TolerationArgs()]}, "spec.tolerations[0].operator: 'Equal', expected Exists without a key"),
        (
            {"tolerations": [TolerationArgs(key="gpu", operator="Exists", value="x")]},
            "spec.tolerations[0].value: 'x', expected none with operator Exists",
        ),
        (
            {"tolerations": [TolerationArgs(key="gpu", value="x", toleration_seconds=5)]},
            "spec.tolerations[0].tolerationSeconds: 5, expected none unless effect is NoExecute",
        ),
    ],
)
def test_each_mistake_is_named_with_what_is_allowed(arguments: dict[str, Any], expected: str) -> None:
    (problem,) = problems(**arguments)
    assert expected in problem


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({}, "-1"),
        ({"max_message_bytes": 2**25}, str(2**25)),
        ({"plan": MemoryPlan(model_bytes=2**20, resident_models=1, max_message_bytes=2**26)}, str(2**26)),
    ],
    ids=["the mesh's alone", "the installation's", "a plan's"],
)
def test_the_server_has_the_limit_of_requests_that_is_given(changes: dict[str, Any], limit: str) -> None:
    variables = {each["name"]: each.get("value") for each in container(**changes)["env"]}
    assert variables["MLSERVER_GRPC_MAX_MESSAGE_LENGTH"] == limit
