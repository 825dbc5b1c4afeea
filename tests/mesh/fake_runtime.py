"""A model runtime whose loads a test can slow, fail and count; inference answers with the id in the request."""

import asyncio
from typing import Any

import grpc

from embedded.solo_mesh.protofields import extract
from embedded.solo_mesh.wire import runtime as pb

MB = 1_000_000


class FakeRuntime(grpc.GenericRpcHandler):
    """`mmesh.ModelRuntime` and any inference method, on one port.

    A model's path says how it behaves: "bad" fails to load, "slow" takes until `release` is set.
    """

    def __init__(
        self,
        *,
        capacity: int = 1000 * MB,
        model_size: int = MB,
        loading_seconds: float = 30.0,
        loading_concurrency: int = 1,
    ) -> None:
        self.loading_concurrency = loading_concurrency
        self.capacity, self.model_size, self.loading_seconds = capacity, model_size, loading_seconds
        self.port = 0
        self.loaded: set[str] = set()
        self.loads: list[str] = []
        self.unloads: list[str] = []
        self.refuse_unloads = 0
        self.delay = 0.0
        self.infer_delay = 0.0
        self.release = asyncio.Event()
        self.broken = True  # models with the path "bad" fail while this is so
        self.metadata: dict[str, str | bytes] = {}
        self.status_calls = 0

    async def start(self) -> None:
        self._server = grpc.aio.server(handlers=[self])
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(0)

    async def restart(self) -> None:
        """What a crash of the container looks like: connections break, and the models are gone."""
        await self.stop()
        self.loaded.clear()
        await self.start()

    def service(self, details: Any) -> Any:
        service, _, method = details.method.lstrip("/").partition("/")
        if service != "mmesh.ModelRuntime":
            return grpc.unary_unary_rpc_method_handler(self._infer)
        name = f"{method[0].upper()}{method[1:]}"
        if not hasattr(self, f"_{method}"):
            return None
        return grpc.unary_unary_rpc_method_handler(
            getattr(self, f"_{method}"),
            request_deserializer=getattr(pb, f"{name}Request").FromString,
            response_serializer=getattr(pb, f"{name}Response").SerializeToString,
        )

    async def _runtimeStatus(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self.status_calls += 1
        self.loaded.clear()
        return pb.RuntimeStatusResponse(
            status="READY",
            capacityInBytes=self.capacity,
            maxLoadingConcurrency=self.loading_concurrency,
            modelLoadingTimeoutMs=int(self.loading_seconds * 1000),
            defaultModelSizeInBytes=MB,
            methodInfos={
                "inference.GRPCInferenceService/ModelInfer": pb.RuntimeStatusResponse.MethodInfo(idInjectionPath=[1])
            },
        )

    async def _loadModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.loads.append(request.modelId)
        await asyncio.sleep(self.delay)
        if request.modelPath == "slow":
            await self.release.wait()
        if request.modelPath == "bad" and self.broken:
            await context.abort(grpc.StatusCode.INTERNAL, "not a model")
        self.loaded.add(request.modelId)
        return pb.LoadModelResponse(sizeInBytes=self.model_size)

    async def _unloadModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.unloads.append(request.modelId)
        if self.refuse_unloads > 0:
            self.refuse_unloads -= 1
            await context.abort(grpc.StatusCode.INTERNAL, "not now")
        self.loaded.discard(request.modelId)
        return pb.UnloadModelResponse()

    async def _infer(self, request: bytes, context: Any) -> bytes:
        await asyncio.sleep(self.infer_delay)
        self.metadata = dict(context.invocation_metadata())
        model = extract(request, [1]) or ""
        if model not in self.loaded:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Model {model} not found")
        return model.encode()
