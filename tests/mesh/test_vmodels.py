"""Vmodels: transitions, their failure, ownership, references; what stands in etcd; state that survives."""

import asyncio
from pathlib import Path

import grpc
import pytest

from embedded.solo_mesh.etcd import EtcdError
from embedded.solo_mesh.wire import mmesh
from tests.mesh.etcd import start_etcd
from tests.mesh.pod import Namespace, Pod
from tests.processes import free_port

STATUS, TRANSITION = mmesh.ModelStatusInfo, mmesh.VModelStatusInfo


async def refused(pod: Pod, code: grpc.StatusCode, method: str, **fields: object) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await pod.manage(method, **fields)
    assert error.value.code() is code
    return str(error.value.details())


async def test_the_active_model_answers_until_the_new_one_is_loaded(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    status = await pod.set_vmodel("v", "v-2", path="slow")
    assert (status.status, status.targetModelStatus.status) == (TRANSITION.TRANSITIONING, STATUS.LOADING)
    assert await pod.infer("v") == "v-1"
    assert (await namespace.keys())["vmodels/v"] == {"o": "isvc", "amid": "v-1", "tmid": "v-2"}
    pod.runtime.release.set()
    await pod.reaches("v", "v-2")
    assert await pod.infer("v") == "v-2"
    await asyncio.sleep(2.2)
    keys = await namespace.keys()
    assert keys["vmodels/v"] == {"o": "isvc", "amid": "v-2", "tmid": "v-2"}, "the controller hears of the promotion"
    assert "registry/v-1" not in keys
    assert keys["registry/v-2"]["refs"] == 1
    assert list(keys["registry/v-2"]["instanceIds"]) == ["pod-0"]
    assert pod.runtime.loaded == {"v-2"}


async def test_a_target_that_cannot_load_leaves_the_active_model_and_says_so(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    status = await pod.set_vmodel("v", "v-2", path="bad", sync=True)
    assert status.status == TRANSITION.TRANSITION_FAILED
    assert list(status.targetModelStatus.errors) == ["INTERNAL: not a model"]
    assert (await namespace.keys())["vmodels/v"]["failed"] is True
    assert await pod.infer("v") == "v-1"
    third = await pod.set_vmodel("v", "v-3", sync=True)
    assert (third.status, third.activeModelId) == (TRANSITION.DEFINED, "v-3")
    await asyncio.sleep(2.2)
    assert {key for key in await namespace.keys() if key.startswith("registry")} == {"registry/v-3"}


async def test_an_active_model_that_is_not_loaded_is_replaced_at_once(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", loadNow=False)
    status = await pod.set_vmodel("v", "v-2", loadNow=False)
    assert (status.status, status.activeModelId) == (TRANSITION.DEFINED, "v-2")
    assert status.activeModelStatus.status == STATUS.NOT_LOADED
    await pod.set_vmodel("v", "v-2", sync=True)
    forced = await pod.set_vmodel("v", "v-3", path="slow", force=True)
    assert (forced.status, forced.activeModelId) == (TRANSITION.DEFINED, "v-3")


async def test_a_shared_model_goes_with_its_last_vmodel(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "shared", sync=True)
    await pod.set_vmodel("w", "shared", sync=True)
    assert (await namespace.keys())["registry/shared"]["refs"] == 2
    await pod.manage("deleteVModel", vModelId="v", owner="isvc")
    await asyncio.sleep(2.2)
    assert await pod.infer("w") == "shared"
    await pod.manage("deleteVModel", vModelId="w", owner="isvc")
    await asyncio.sleep(2.2)
    assert "registry/shared" not in await namespace.keys()
    assert pod.runtime.loaded == set()


async def test_the_same_call_again_writes_nothing(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    await asyncio.sleep(0.2)
    etcd = namespace.etcd()
    _, before = await etcd.list("any")
    for _ in range(5):
        await pod.set_vmodel("v", "v-1", loadNow=False)
    _, after = await etcd.list("any")
    await etcd.close()
    assert after == before


async def test_owners_and_preconditions_are_kept(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    taken = await refused(
        pod, grpc.StatusCode.ALREADY_EXISTS, "setVModel", vModelId="v", owner="x", targetModelId="v-1"
    )
    assert taken == 'vmodel v already exists with different owner "isvc"'
    await refused(pod, grpc.StatusCode.INVALID_ARGUMENT, "setVModel", vModelId="v")
    await refused(
        pod, grpc.StatusCode.FAILED_PRECONDITION, "setVModel",
        vModelId="new", targetModelId="v-1", expectedTargetModelId="v-0",
    )  # fmt: skip
    await pod.manage("deleteVModel", vModelId="v", owner="x")
    assert await pod.infer("v") == "v-1"
    await pod.manage("setVModel", vModelId="mine", targetModelId="v-1")
    assert (await namespace.keys())["vmodels/mine"]["o"] == "ksp", "the default owner"


async def test_a_restarted_mesh_answers_for_what_it_knew(namespace: Namespace) -> None:
    first = await namespace.start()
    await first.set_vmodel("v", "v-1", sync=True)
    await first.set_vmodel("idle", "idle-1", loadNow=False)
    await asyncio.sleep(0.2)
    first.task.cancel()
    await asyncio.wait([first.task])
    second = await namespace.start(runtime=first.runtime)
    assert second.runtime.loads == ["v-1", "v-1"], "loaded again before it was ready"
    assert await second.infer("v") == "v-1"
    status = await second.manage("getVModelStatus", vModelId="idle")
    assert status.activeModelStatus.status == STATUS.NOT_LOADED
    assert await second.infer("idle") == "idle-1"


async def test_a_transition_survives_a_restart(namespace: Namespace) -> None:
    first = await namespace.start()
    await first.set_vmodel("v", "v-1", sync=True)
    await first.set_vmodel("v", "v-2", path="slow")
    await asyncio.sleep(0.2)
    first.task.cancel()
    await asyncio.wait([first.task])
    first.runtime.release.set()
    second = await namespace.start(runtime=first.runtime)
    await second.reaches("v", "v-2")


async def test_etcd_that_comes_back_empty_gets_its_keys_again(namespace: Namespace, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with start_etcd(tmp_path / "one", port) as etcd:
        namespace.connect(etcd.endpoint)
        pod = await namespace.start()
        await pod.set_vmodel("v", "v-1", sync=True)
        await asyncio.sleep(0.2)
        before = await namespace.keys()
    assert await pod.infer("v") == "v-1", "inference does not need etcd"
    await refused(pod, grpc.StatusCode.UNAVAILABLE, "deleteVModel", vModelId="v")
    with start_etcd(tmp_path / "two", port):
        async with asyncio.timeout(20):
            while not await restored(namespace):
                await asyncio.sleep(0.2)
        after = await namespace.keys()
        assert after["vmodels/v"] == before["vmodels/v"]
        assert after["registry/v-1"]["refs"] == 1
        assert await pod.infer("v") == "v-1"
        pod.task.cancel()
        await asyncio.wait([pod.task])


async def restored(namespace: Namespace) -> bool:
    try:
        return {"vmodels/v", "registry/v-1", "instances/pod-0"} <= set(await namespace.keys())
    except EtcdError:  # our own connection still counts on the old one
        return False
