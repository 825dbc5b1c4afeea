"""Several pods of one service: calls handed over, runtimes that come later, and one pod relieved by another."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from typing import Any
from urllib.request import urlopen

import grpc
import pytest

from embedded.solo_mesh.wire import mmesh
from tests.mesh.fake_runtime import FakeRuntime
from tests.mesh.pod import INFER, Namespace, Pod

STATUS, TRANSITION = mmesh.ModelStatusInfo, mmesh.VModelStatusInfo
NO_RUNTIME = "There are no running instances that meet the label requirements of type rt:b: [{}]"


async def started(namespace: Namespace) -> tuple[Pod, Pod]:
    namespace.constrain(["a", "b"])
    a = await namespace.start("pod-a", labels="rt:a")
    b = await namespace.start("pod-b", labels="rt:b")
    async with asyncio.timeout(8):  # a pod accepts forwarded calls a moment after it is ready
        while not (await namespace.keys())["instances/pod-b"]["actionable"]:
            await asyncio.sleep(0.02)
    return a, b


async def test_any_pod_answers_for_every_type(namespace: Namespace) -> None:
    a, b = await started(namespace)
    status = await a.set_vmodel("v", "v-1", kind="rt:b", sync=True)
    assert status.activeModelStatus.status == STATUS.LOADED
    assert status.activeModelStatus.modelCopyInfos[0].location == "pod-b"
    assert (a.runtime.loads, b.runtime.loads) == ([], ["v-1"])
    assert await a.infer("v") == await b.infer("v") == "v-1"
    await a.set_vmodel("v", "v-2", kind="rt:b", path="bad")
    async with asyncio.timeout(8):
        for pod in (a, b):
            while (await pod.manage("getVModelStatus", vModelId="v")).status != TRANSITION.TRANSITION_FAILED:
                await asyncio.sleep(0.02)


async def test_a_vmodel_may_move_to_another_runtime(namespace: Namespace) -> None:
    a, b = await started(namespace)
    await a.set_vmodel("v", "v-1", kind="rt:a", sync=True)
    await a.set_vmodel("v", "v-2", kind="rt:b")
    await a.reaches("v", "v-2")
    assert await a.infer("v") == "v-2"
    await asyncio.sleep(2.2)
    assert (a.runtime.loaded, b.runtime.loaded) == (set(), {"v-2"})


async def test_a_handed_call_is_not_handed_on(namespace: Namespace) -> None:
    a, _ = await started(namespace)
    await a.set_vmodel("v", "v-1", kind="rt:b", sync=True)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await a.infer("v", metadata=(("mm-solo-hop", "pod-x"),))
    assert error.value.details() == NO_RUNTIME.format("rt:b")


async def test_a_runtime_that_comes_later_makes_the_controller_ask_again(namespace: Namespace) -> None:
    namespace.constrain(["a"])
    a = await namespace.start("pod-a", labels="rt:a")
    status = await a.set_vmodel("v", "v-1", kind="rt:b")
    assert status.activeModelStatus.status == STATUS.LOADING_FAILED
    assert list(status.activeModelStatus.errors) == [NO_RUNTIME.format("_no_runtime")]
    assert not status.activeModelStatus.modelCopyInfos
    namespace.constrain(["a", "b"])
    waiting = await a.set_vmodel("v", "v-1", kind="rt:b")
    assert list(waiting.activeModelStatus.errors) == [NO_RUNTIME.format("rt:b")], "read anew on each call"
    etcd = namespace.etcd()
    _, revision = await etcd.list("any")
    changes = etcd.watch(f"{namespace.prefix}/mm/mesh/registry/", revision + 1)
    b = await namespace.start("pod-b", labels="rt:b")
    async with asyncio.timeout(5):
        assert (await anext(changes)).key.endswith("registry/v-1"), "touched, which the controller watches"
    await etcd.close()
    await a.set_vmodel("v", "v-1", kind="rt:b", sync=True)
    assert await a.infer("v") == "v-1"
    assert b.runtime.loads == ["v-1"]


async def started_stale(namespace: Namespace) -> tuple[Pod, Pod]:
    """The first pod's ConfigMap is from before the second pod's runtime."""
    namespace.constrain(["a"], "old")
    namespace.constrain(["a", "b"])
    old = {"MM_TYPE_CONSTRAINTS_PATH": str(namespace.folder / "old")}
    a = await namespace.start("pod-a", labels="rt:a", environment=old)
    return a, await namespace.start("pod-b", labels="rt:b")


async def test_a_pod_with_an_old_config_map_refuses_the_new_runtimes_models_until_it_is_renewed(
    namespace: Namespace,
) -> None:
    a, b = await started_stale(namespace)
    status = await a.set_vmodel("v", "v-1", kind="rt:b", sync=True)
    assert status.activeModelStatus.status == STATUS.LOADING_FAILED
    assert list(status.activeModelStatus.errors) == [NO_RUNTIME.format("_no_runtime")]
    assert b.runtime.loads == [], "not handed to the pod that would serve it"
    namespace.constrain(["a", "b"], "old")
    assert (await a.set_vmodel("v", "v-1", kind="rt:b", sync=True)).activeModelStatus.status == STATUS.LOADED


async def handed_on(pod: Pod, vmodel: str, seconds: float = 8) -> str:
    """The answer, once the other pod has told that it takes calls, which it does a moment after it has started."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await pod.infer(vmodel)
            except grpc.aio.AioRpcError as problem:
                if NO_RUNTIME.format("_no_runtime") != problem.details():
                    raise
                await asyncio.sleep(0.02)


async def test_a_pod_with_an_old_config_map_hands_calls_to_who_holds_the_model(namespace: Namespace) -> None:
    a, b = await started_stale(namespace)
    await b.set_vmodel("v", "v-1", kind="rt:b", sync=True)
    await a.reaches("v", "v-1")
    assert await handed_on(a, "v") == "v-1"
    status = await a.set_vmodel("v", "v-1", kind="rt:b", sync=True)
    assert status.activeModelStatus.status == STATUS.LOADED, "what is loaded is nothing to refuse"


async def test_a_new_pod_takes_up_what_failed_in_the_old_one(namespace: Namespace) -> None:
    old = await namespace.start("pod-old")
    await old.set_vmodel("v", "v-1", sync=True)
    await old.set_vmodel("v", "v-2", path="bad", sync=True)
    await old.set_vmodel("w", "w-1", path="bad", sync=True)
    repaired = FakeRuntime()
    repaired.broken = False
    new = await namespace.start("pod-new", runtime=repaired)
    await new.reaches("v", "v-2")
    await new.reaches("w", "w-1")


async def test_a_pod_is_relieved_by_a_new_one_without_a_failed_request(namespace: Namespace) -> None:
    old = await namespace.start("pod-old")
    for number in range(5):
        await old.set_vmodel(f"v{number}", f"v{number}-1", sync=True)
    new = await namespace.start("pod-new", runtime=FakeRuntime())
    assert new.runtime.loaded == old.runtime.loaded, "loaded before it was ready"
    old.runtime.infer_delay = 1.0
    in_flight = [asyncio.create_task(old.infer(f"v{number}")) for number in range(5)]
    await asyncio.sleep(0.2)
    started = time.monotonic()
    stopping = asyncio.create_task(old.shutdown())
    await asyncio.sleep(0.2)
    assert await asyncio.to_thread(old.ready) == 503
    assert await old.infer("v0") == "v0-1", "who has not noticed yet is still answered"
    assert await asyncio.gather(*in_flight) == [f"v{number}-1" for number in range(5)]
    hook = asyncio.create_task(asyncio.to_thread(prestop, old))
    await asyncio.sleep(0.5)
    assert not hook.done(), "the runtime is kept while calls may come"
    assert await hook == 200
    assert time.monotonic() - started > 3
    await stopping
    assert await new.infer("v0") == "v0-1"
    assert {key for key in await namespace.keys() if key.startswith("instances")} == {"instances/pod-new"}


async def test_a_rollover_under_load_fails_no_request(namespace: Namespace) -> None:
    """100 requests a second through a Service: a pod is replaced, then the model's path changes."""
    service = Service()
    await service.start()
    old = await namespace.start("pod-old")
    service.port = old.port
    await old.set_vmodel("v", "v-1", sync=True)
    answers: Counter[str] = Counter()
    done = asyncio.Event()

    async def ask(channel: grpc.aio.Channel) -> None:
        call: Any = channel.unary_unary(f"/{INFER}")
        try:
            answers[bytes(await call(b"\x0a\x01v", timeout=5)).decode()] += 1
        except grpc.aio.AioRpcError as error:
            answers[f"failed: {error.code()} {error.details()}"] += 1

    async def load() -> None:
        target = f"127.0.0.1:{service.own_port}"
        async with grpc.aio.insecure_channel(target) as channel, asyncio.TaskGroup() as group:
            while not done.is_set():
                group.create_task(ask(channel))
                await asyncio.sleep(0.01)

    loading = asyncio.create_task(load())
    await asyncio.sleep(1)
    new = await namespace.start("pod-new", runtime=FakeRuntime())
    service.port = new.port  # new connections only; the client's own leads to the old pod until that lets it go
    stopping = asyncio.create_task(old.shutdown())
    await asyncio.sleep(1)
    await new.set_vmodel("v", "v-2")
    await new.reaches("v", "v-2")
    await stopping
    await asyncio.sleep(1)
    done.set()
    await loading
    await service.stop()
    assert set(answers) == {"v-1", "v-2"}
    assert min(answers.values()) > 100


class Service:
    """A TCP balancer in the place of kube-proxy: where a connection leads is decided when it is made."""

    def __init__(self) -> None:
        self.port = 0
        self.own_port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.own_port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(_copy(reader, onward_writer), _copy(onward_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def prestop(pod: Pod) -> int:
    with urlopen(f"http://127.0.0.1:{pod.settings.prestop_port}/prestop/", timeout=60) as response:
        return int(response.status)
