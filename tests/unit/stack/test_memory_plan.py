"""A plan gives enough memory for what it is asked, in the way that the mesh and the kubelet count."""

import math
from dataclasses import replace

import pulumi
import pytest

from components.core.problem import InvalidSpecError
from components.runtimes.memory_plan import MemoryPlan
from components.runtimes.serving_runtime import ServingRuntime, ServingRuntimeArgs
from tests.unit.stack.engine import run
from tests.unit.stack.runtimes import mlserver, refused
from tests.unit.stack.worlds import place

MIB = 2**20
BLOCK = 8 * 2**10

PLANS = [
    MemoryPlan(model_bytes=1, resident_models=1),
    MemoryPlan(model_bytes=MIB, resident_models=50),
    MemoryPlan(model_bytes=100 * MIB, resident_models=3),
    MemoryPlan(model_bytes=100 * MIB, resident_models=3, processes=4),
    MemoryPlan(model_bytes=1000 * MIB, resident_models=7, expansion=3.7),
    MemoryPlan(model_bytes=1000 * MIB, resident_models=5, expansion=0.3, server_bytes=MIB, max_message_bytes=MIB),
]


@pytest.mark.parametrize("plan", PLANS, ids=str)
class TestEveryPlan:
    def test_has_room_for_its_models_beside_what_the_mesh_keeps_free(self, plan: MemoryPlan) -> None:
        capacity = plan.memory_bytes - plan.memory_buffer_bytes
        one = math.ceil(plan.model_bytes * plan.expansion * plan.processes / BLOCK) * BLOCK
        assert capacity * 0.9 >= plan.resident_models * one
        assert capacity >= 10_000_000, "the mesh's check at its start"

    def test_leaves_the_servers_processes_what_they_need(self, plan: MemoryPlan) -> None:
        assert plan.memory_buffer_bytes >= plan.processes * (plan.server_bytes + 2 * plan.max_message_bytes)

    def test_has_the_models_files_fit_on_their_volume(self, plan: MemoryPlan) -> None:
        capacity = plan.memory_bytes - plan.memory_buffer_bytes
        taken_in = capacity // math.floor(plan.model_bytes * plan.expansion * plan.processes) if capacity > BLOCK else 0
        assert 1.5 * plan.memory_bytes >= min(taken_in + 1, plan.resident_models + 1) * plan.model_bytes

    def test_is_in_whole_mebibytes_and_takes_no_more_than_one_too_many(self, plan: MemoryPlan) -> None:
        assert plan.memory == f"{plan.memory_bytes // MIB}Mi"
        assert plan.memory_bytes % MIB == 0
        server = plan.processes * (plan.server_bytes + 2 * plan.max_message_bytes)
        assert plan.memory_bytes - MIB < max(plan.room_bytes + server, plan.files_bytes / 1.5 + 1)

    def test_makes_a_runtime_that_nothing_is_wrong_with(self, plan: MemoryPlan) -> None:
        assert refused(mlserver(plan=plan)) == []


def test_the_numbers_of_a_plan_can_be_followed() -> None:
    plan = MemoryPlan(model_bytes=100 * MIB, resident_models=3)
    assert plan.room_bytes == math.ceil(3 * 125 * MIB / 0.9)
    assert plan.memory == "577Mi"
    assert plan.load_timeout_seconds == 90
    assert str(plan) == (
        "3 models of 100.0 MiB, 1.25 times that in memory: 416.7 MiB for models and 160.3 MiB for the server give "
        "577Mi per pod; up to 433.3 MiB of files, and 90 s to load a model"
    )


def test_a_plan_of_whole_mebibytes_takes_no_more() -> None:
    plan = MemoryPlan(model_bytes=MIB, resident_models=9, expansion=1, server_bytes=MIB, max_message_bytes=MIB)
    assert plan.room_bytes == 10 * MIB
    assert plan.memory == "13Mi"


def test_a_large_model_has_longer_to_load() -> None:
    plan = MemoryPlan(model_bytes=2000 * MIB, resident_models=1, bytes_per_second=20 * MIB)
    assert plan.load_timeout_seconds == 200


def test_each_process_holds_all_models() -> None:
    one, four = (MemoryPlan(model_bytes=100 * MIB, resident_models=3, processes=n) for n in (1, 4))
    assert four.room_bytes == pytest.approx(4 * one.room_bytes, abs=1)
    assert four.model_size_multiplier == 5


def test_models_that_shrink_in_memory_do_not_overrun_the_disk() -> None:
    """The mesh would fit more of them into memory than there are files' worth of room; so it is not told of more."""
    plan = PLANS[-1]
    assert plan.memory_bytes * 1.5 >= plan.files_bytes > 5 * plan.model_bytes
    assert plan.memory_buffer_bytes > plan.server_bytes + 2 * plan.max_message_bytes + MIB


def test_a_runtime_takes_its_sizes_from_its_plan() -> None:
    plan = MemoryPlan(model_bytes=2000 * MIB, resident_models=2, expansion=2)
    spec = mlserver(plan=plan).spec()
    resources = spec["containers"][0]["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"] == plan.memory
    assert spec["builtInAdapter"] == {
        "serverType": "mlserver",
        "runtimeManagementPort": 8001,
        "memBufferBytes": plan.memory_buffer_bytes,
        "modelLoadingTimeoutMillis": 400_000,
        "env": [{"name": "MODELSIZE_MULTIPLIER", "value": "2"}],
    }
    usual = mlserver(plan=MemoryPlan(model_bytes=MIB, resident_models=2)).spec()
    assert "env" not in usual["builtInAdapter"], "the adapter multiplies by 1.25 anyway"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"memory": "1Gi"}, "memory: '1Gi', expected none together with plan, which sets it"),
        ({"memory_buffer_bytes": 0}, "memory_buffer_bytes: 0, expected none together with plan"),
        ({"load_timeout_seconds": 90}, "load_timeout_seconds: 90, expected none together with plan"),
    ],
)
def test_a_size_is_either_planned_or_given(given: dict[str, object], expected: str) -> None:
    with pytest.raises(InvalidSpecError, match=expected):
        mlserver(plan=PLANS[1], **given)


def test_an_impossible_plan_is_refused_with_all_that_is_wrong() -> None:
    nothing = MemoryPlan(
        model_bytes=0,
        resident_models=-1,
        expansion=0,
        server_bytes=0,
        processes=0,
        max_message_bytes=0,
        bytes_per_second=0,
    )
    with pytest.raises(InvalidSpecError) as raised:
        mlserver(plan=nothing)
    assert len(raised.value.problems) == 7
    assert str(raised.value.problems[1]) == "plan.resident_models: -1, expected more than 0"


@pytest.mark.parametrize("preview", [True, False])
def test_a_preview_tells_the_plan(monkeypatch: pytest.MonkeyPatch, *, preview: bool) -> None:
    told: list[str] = []

    def info(text: str, **_: object) -> None:
        told.append(text)

    def program() -> None:
        spec = mlserver(plan=PLANS[1])
        args = ServingRuntimeArgs(namespace=place(), runtime_name="custom", spec=replace(spec, disabled=True))
        ServingRuntime("runtime", args)

    monkeypatch.setattr(pulumi.log, "info", info)
    run(program, preview=preview)
    assert told == ([f"memory of custom: {PLANS[1]}"] if preview else [])
