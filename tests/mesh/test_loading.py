"""Loads and unloads: capacity, eviction, timeouts, failures and their memory, a runtime that restarts."""

import asyncio

import grpc
import pytest

from embedded.solo_mesh.cache import Timing
from embedded.solo_mesh.wire import mmesh
from tests.mesh.fake_runtime import MB, FakeRuntime
from tests.mesh.pod import Namespace, Pod

STATUS = mmesh.ModelStatusInfo


async def test_the_least_recently_used_model_gives_way_and_comes_back_on_demand(namespace: Namespace) -> None:
    pod = await namespace.start(runtime=FakeRuntime(capacity=10 * MB, model_size=4 * MB, loading_seconds=0.1))
    for name in ("a", "b"):
        await pod.set_vmodel(name, f"{name}-1")
        await pod.reaches(name, f"{name}-1")
    await pod.infer("b")
    await pod.infer("a")
    await asyncio.sleep(0.4)  # older than the least age of what is evicted
    await pod.set_vmodel("c", "c-1", sync=True)
    await _holds(pod, {"a-1", "c-1"})
    assert (await pod.manage("getModelStatus", modelId="b-1")).status == STATUS.NOT_LOADED
    assert await pod.infer("b") == "b-1"
    await _holds(pod, {"a-1", "b-1"})  # c was never used, so it went
    async with asyncio.timeout(8):
        while "instanceIds" in (await namespace.keys())["registry/c-1"]:
            await asyncio.sleep(0.02)


async def test_nothing_is_evicted_that_was_used_just_now(namespace: Namespace) -> None:
    pod = await namespace.start(
        runtime=FakeRuntime(capacity=10 * MB, model_size=9 * MB, loading_seconds=30),
        timing=Timing(cleanup_after_failure=0),
    )
    await pod.set_vmodel("a", "a-1")
    await pod.infer("a")
    status = await pod.set_vmodel("b", "b-1", sync=True)
    assert "Cache churn threshold exceeded" in status.activeModelStatus.errors[0]
    assert await pod.infer("a") == "a-1"


async def test_a_model_larger_than_the_memory_gives_way_to_a_load_that_waits(namespace: Namespace) -> None:
    runtime = FakeRuntime(capacity=10 * MB, model_size=8_500_000, loading_seconds=0.5, loading_concurrency=2)
    pod = await namespace.start(runtime=runtime)
    await pod.set_vmodel("first", "first-1", sync=True)
    await asyncio.sleep(2)  # older than the least age of what is evicted
    runtime.model_size, runtime.refuse_unloads, runtime.delay = 20 * MB, 5, 0.1
    await pod.set_vmodel("large", "large-1")  # does not wait for the unload
    await pod.set_vmodel("waiting", "waiting-1", sync=True)
    assert await pod.infer("waiting") == "waiting-1"
    assert not pod.task.done()


async def test_a_load_over_the_runtimes_time_limit_fails_and_is_cleaned_up(namespace: Namespace) -> None:
    pod = await namespace.start(runtime=FakeRuntime(loading_seconds=0.2))
    status = await pod.set_vmodel("v", "v-1", path="slow", sync=True)
    assert status.activeModelStatus.status == STATUS.LOADING_FAILED
    assert "0.2 s" in status.activeModelStatus.errors[0]
    await asyncio.sleep(0.3)
    assert pod.runtime.unloads == ["v-1"]


async def test_a_failed_load_is_remembered_then_forgotten_and_its_key_touched(namespace: Namespace) -> None:
    quick = Timing(failure_memory=1.5, failure_memory_in_use=1.5, cleanup_after_failure=0)
    pod = await namespace.start(timing=quick)
    await pod.set_vmodel("v", "v-1", path="bad", sync=True)
    for _ in range(3):
        with pytest.raises(grpc.aio.AioRpcError, match="not a model") as error:
            await pod.infer("v")
        assert error.value.code() is grpc.StatusCode.INTERNAL
    assert pod.runtime.loads == ["v-1"], "not tried again while remembered"
    await asyncio.sleep(0.2)
    failed = (await namespace.keys())["registry/v-1"]
    assert failed["fails"]["pod-0"]["msg"] == "INTERNAL: not a model"
    pod.runtime.broken = False
    await asyncio.sleep(2.5)
    assert "failedIn" not in (await namespace.keys())["registry/v-1"], "the controller hears of it by this change"
    assert await pod.infer("v") == "v-1"


async def test_unloads_are_tried_again_and_hold_back_loads_of_the_same_model(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.manage("registerModel", modelId="m", modelInfo={"type": "rt:fake"}, loadNow=True, sync=True)
    pod.runtime.refuse_unloads = 3
    await pod.manage("unregisterModel", modelId="m")
    await pod.manage("registerModel", modelId="m", modelInfo={"type": "rt:fake"}, loadNow=True, sync=True)
    assert pod.runtime.unloads == ["m"] * 4
    assert pod.runtime.loaded == {"m"}


async def test_models_in_use_are_unloaded_only_after_their_requests(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    pod.runtime.infer_delay = 1.5
    asked = asyncio.create_task(pod.infer("v"))
    await asyncio.sleep(0.1)
    await pod.manage("deleteVModel", vModelId="v")
    assert await asked == "v-1"
    await asyncio.sleep(2)
    assert pod.runtime.unloads == ["v-1"]


async def test_a_model_that_the_runtime_has_lost_is_loaded_again_within_the_request(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    pod.runtime.loaded.clear()
    assert await pod.infer("v") == "v-1"
    assert pod.runtime.loads == ["v-1", "v-1"]


async def test_requests_wait_for_a_runtime_that_restarts(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    await pod.infer("v")
    await pod.runtime.stop()
    asked = [asyncio.create_task(pod.infer("v", 20)) for _ in range(5)]
    await asyncio.sleep(0.5)
    await pod.runtime.restart()
    assert await asyncio.gather(*asked) == ["v-1"] * 5
    assert pod.runtime.status_calls == 1, "asking for the status throws all models away"


async def test_a_load_that_nobody_waited_for_does_not_hold_up_one_that_someone_does(namespace: Namespace) -> None:
    pod = await namespace.start()
    pod.runtime.delay = 0.3
    for number in range(5):
        await pod.set_vmodel(f"v{number}", f"v{number}-1")
    assert await pod.infer("v4") == "v4-1"
    assert pod.runtime.loads[:2] == ["v0-1", "v4-1"]


async def test_a_deadline_ends_the_wait_and_not_the_load(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", path="slow")
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await pod.infer("v", 0.3)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    pod.runtime.release.set()
    assert await pod.infer("v") == "v-1"
    assert pod.runtime.loads == ["v-1"]


async def test_a_capacity_for_next_to_nothing_is_refused_at_start(namespace: Namespace) -> None:
    pod = await namespace.start(runtime=FakeRuntime(capacity=3 * MB), wait=False)
    with pytest.raises(Exception, match="raise the memory request"):
        await pod.task


async def _holds(pod: Pod, models: set[str]) -> None:
    """Wait for the runtime to have these models alone: what gives way goes after what takes its place is there."""
    async with asyncio.timeout(8):
        while pod.runtime.loaded != models:
            await asyncio.sleep(0.02)
