"""Solo mesh inside the test's process, with a fake runtime beside it, and the client's view of it."""

import asyncio
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from embedded.solo_mesh.cache import Timing
from embedded.solo_mesh.etcd import Connection, Etcd
from embedded.solo_mesh.mesh import Mesh
from embedded.solo_mesh.settings import Settings, load
from embedded.solo_mesh.wire import mmesh
from tests.mesh.fake_runtime import FakeRuntime
from tests.processes import free_port, http_status

QUICK = Timing(
    cleanup_after_failure=0.05, cleanup_after_timeout=0.05, unload_retry=0.1, churn_floor=0, wait_for_space=2
)
INFER = "inference.GRPCInferenceService/ModelInfer"


@dataclass
class Pod:
    """A running solo mesh."""

    name: str
    mesh: Mesh
    task: asyncio.Task[None]
    stop: asyncio.Event
    settings: Settings
    channel: grpc.aio.Channel
    runtime: FakeRuntime

    async def manage(self, method: str, **fields: Any) -> Any:
        """Call the management API; the response message."""
        requests = {"getModelStatus": "GetStatusRequest", "getVModelStatus": "GetVModelStatusRequest"}
        request = getattr(mmesh, requests.get(method, f"{method[0].upper()}{method[1:]}Request"))(**fields)
        reply = (
            mmesh.VModelStatusInfo if method in ("setVModel", "getVModelStatus")
            else mmesh.ModelStatusInfo if method in ("registerModel", "getModelStatus", "ensureLoaded")
            else getattr(mmesh, f"{method[0].upper()}{method[1:]}Response")
        )  # fmt: skip
        call: Any = self.channel.unary_unary(
            f"/mmesh.ModelMesh/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=reply.FromString,
        )
        return await call(request, timeout=10)

    async def set_vmodel(self, vmodel: str, target: str, *, kind: str = "rt:fake", path: str = "p", **more: Any) -> Any:
        """Call setVModel as the controller does."""
        fields = {"owner": "isvc", "autoDeleteTargetModel": True, "loadNow": True} | more
        info = mmesh.ModelInfo(type=kind, path=path, key="{}")
        return await self.manage("setVModel", vModelId=vmodel, targetModelId=target, modelInfo=info, **fields)

    async def infer(self, vmodel: str, seconds: float = 10, metadata: tuple[tuple[str, str], ...] = ()) -> str:
        """Ask a vmodel; the fake runtime answers with the id that it was given in the request."""
        call: Any = self.channel.unary_unary(f"/{INFER}")
        request = b"\x0a" + bytes([len(vmodel)]) + vmodel.encode() if vmodel else b""
        return bytes(await call(request, timeout=seconds, metadata=metadata)).decode()

    async def reaches(self, vmodel: str, active: str, seconds: float = 8) -> Any:
        """Wait until a vmodel is answered by a loaded model of this id."""
        async with asyncio.timeout(seconds):
            while True:
                status = await self.manage("getVModelStatus", vModelId=vmodel)
                loaded = status.activeModelStatus.status == mmesh.ModelStatusInfo.LOADED
                if status.activeModelId == active == status.targetModelId and loaded:
                    return status
                await asyncio.sleep(0.02)

    async def shutdown(self) -> None:
        self.stop.set()
        await self.task

    @property
    def port(self) -> int:
        """Where clients call it."""
        return self.settings.grpc_port

    def ready(self) -> int:
        """Status of the readiness probe."""
        return http_status(f"http://127.0.0.1:{self.settings.probe_port}/ready")


@dataclass
class Namespace:
    """Pods of one service, on one etcd prefix, with one mounted ConfigMap."""

    endpoint: str
    folder: Path
    stack: AsyncExitStack
    prefix: str = field(init=False)

    def __post_init__(self) -> None:
        self.prefix = f"{self.folder.name}-{os.getpid()}"
        self.constrain(["fake"])
        rpc = {INFER: {"idExtractionPath": [1], "vModelId": True}}
        (self.folder / "dataplane").write_text(json.dumps({"rpcConfigs": rpc, "allowOtherRpcs": True}))
        self.connect(self.endpoint)

    def connect(self, endpoint: str) -> None:
        (self.folder / "etcd").write_text(json.dumps({"endpoints": endpoint, "root_prefix": self.prefix}))

    def constrain(self, runtimes: Iterable[str], file: str = "constraints") -> None:
        """Write the type constraints as the controller does, for runtimes of these names."""
        types = {f"rt:{name}": {"required": [f"rt:{name}"]} for name in runtimes}
        (self.folder / file).write_text(json.dumps(types | {"_default": {"required": ["_no_runtime"]}}))

    def etcd(self) -> Etcd:
        return Etcd(Connection.read(self.folder / "etcd"))

    async def keys(self) -> dict[str, Any]:
        """What stands in etcd for the service."""
        etcd = self.etcd()
        try:
            kvs, _ = await etcd.list(f"{self.prefix}/mm/mesh/")
        finally:
            await etcd.close()
        keys = {kv.key.removeprefix(f"{self.prefix}/mm/mesh/"): kv.value.decode() for kv in kvs}
        return {key: json.loads(value) for key, value in keys.items() if value.startswith("{")}

    def environment(self, name: str, runtime: FakeRuntime, labels: str = "rt:fake") -> dict[str, str]:
        """What the controller sets on the mm container, with free ports."""
        return {
            "MM_SERVICE_NAME": "mesh",
            "MM_SVC_GRPC_PORT": str(free_port()),
            "WKUBE_POD_NAME": name,
            "WKUBE_POD_IPADDR": "127.0.0.1",
            "MM_LABELS": labels,
            "KV_STORE": f"etcd:{self.folder / 'etcd'}",
            "INTERNAL_GRPC_PORT": str(runtime.port),
            "MM_TYPE_CONSTRAINTS_PATH": str(self.folder / "constraints"),
            "MM_DATAPLANE_CONFIG_PATH": str(self.folder / "dataplane"),
            "SOLO_MESH_PROBE_PORT": str(free_port()),
            "SOLO_MESH_PRESTOP_PORT": str(free_port()),
        }

    async def start(
        self,
        name: str = "pod-0",
        *,
        runtime: FakeRuntime | None = None,
        labels: str = "rt:fake",
        timing: Timing = QUICK,
        environment: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Pod:
        """Start a pod and wait until it is ready."""
        runtime = runtime or FakeRuntime()
        if not runtime.port:
            await runtime.start()
            self.stack.push_async_callback(runtime.stop)
        settings = load(self.environment(name, runtime, labels) | dict(environment or {}))
        mesh, stop = Mesh(settings, timing), asyncio.Event()
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}")
        pod = Pod(name, mesh, asyncio.create_task(mesh.run(stop)), stop, settings, channel, runtime)
        self.stack.push_async_callback(self._end, pod)
        while wait and await asyncio.to_thread(pod.ready) != 200:
            if pod.task.done():
                pod.task.result()
            await asyncio.sleep(0.05)
        return pod

    @staticmethod
    async def _end(pod: Pod) -> None:
        """Stop without the graces of a real stop: nobody is waiting for anything any more."""
        await pod.channel.close()
        pod.task.cancel()
        await asyncio.wait([pod.task])
