"""Calls to the model runtime of this pod (`mmesh.ModelRuntime`, the adapter's API) on loopback, without TLS.

The method `runtimeStatus` is polled until the runtime is ready and never again: each call makes the adapter unload
every model, so it cannot serve as a health check.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc

from .records import ModelInfo
from .wire import runtime as pb

log = logging.getLogger(__name__)

_POLL_SECONDS = 2.0
_MAX_POLL_SECONDS = 180.0


class RuntimeFailedError(Exception):
    """The runtime reports that it cannot start, or was not ready in time."""


class LoadError(Exception):
    """A model could not be loaded; users see the message."""


class UnloadError(Exception):
    """A model could not be unloaded; its memory counts as used."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Properties that the runtime reported when it became ready; sizes are in bytes."""

    capacity: int
    default_size: int
    loading_concurrency: int = 1
    loading_seconds: float = 90.0
    limit_model_concurrency: bool = False
    allow_any_method: bool = True
    # Method → path of the field for the concrete model's id; an empty path: the requests have no such field.
    methods: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def check(self) -> None:
        """Check that the capacity is large enough for a few models."""
        least = max(2 * self.default_size, min(512 * 1024 * 1024, 10 * self.default_size))
        if self.capacity < least:
            raise RuntimeFailedError(
                f"the runtime's capacity is {self.capacity} bytes, but its default model size of {self.default_size}"
                f" asks for at least {least}; raise the memory request of the runtime's container"
            )


class Runtime:
    """The runtime behind the adapter's management port."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.aio.insecure_channel(target)

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def wait_until_ready(self) -> Limits:
        """Poll until the runtime is ready, with an error if it reports a failure or takes too long."""
        deadline = asyncio.get_running_loop().time() + _MAX_POLL_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                status = await self._call("runtimeStatus", pb.RuntimeStatusRequest(), pb.RuntimeStatusResponse, 30.0)
            except grpc.aio.AioRpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                    raise RuntimeFailedError(f"runtimeStatus: {_text(error)}") from None
                log.info("waiting for the runtime: %s", error.details())
            else:
                if status.status == pb.RuntimeStatusResponse.READY:
                    return _limits(status)
                if status.status == pb.RuntimeStatusResponse.FAILING:
                    raise RuntimeFailedError("the runtime reports that it is failing; see the log of its adapter")
                log.info("waiting for the runtime: starting")
            await asyncio.sleep(_POLL_SECONDS)
        raise RuntimeFailedError(
            f"the runtime was not ready after {_MAX_POLL_SECONDS:.0f} s; see the logs of its containers"
        )

    async def load(self, model_id: str, info: ModelInfo) -> Any:
        """Load a model and return the runtime's answer; the caller limits the time."""
        request = pb.LoadModelRequest(modelId=model_id, modelType=info.type, modelPath=info.path, modelKey=info.key)
        try:
            return await self._call("loadModel", request, pb.LoadModelResponse)
        except grpc.aio.AioRpcError as error:
            # Only an INTERNAL error is shown unchanged; the Java server prefixes all others with their class.
            prefix = "" if error.code() is grpc.StatusCode.INTERNAL else "io.grpc.StatusRuntimeException: "
            raise LoadError(prefix + _text(error)) from None

    async def unload(self, model_id: str) -> None:
        """Unload a model; one that the runtime does not have counts as unloaded."""
        try:
            await self._call("unloadModel", pb.UnloadModelRequest(modelId=model_id), pb.UnloadModelResponse, 60.0)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise UnloadError(_text(error)) from None

    async def measure(self, model_id: str) -> int:
        """Size of a loaded model in bytes, or 0 if the runtime does not report it."""
        try:
            reply = await self._call("modelSize", pb.ModelSizeRequest(modelId=model_id), pb.ModelSizeResponse, 60.0)
        except grpc.aio.AioRpcError:
            return 0
        return int(reply.sizeInBytes)

    async def _call(self, method: str, request: Any, reply: Any, seconds: float | None = None) -> Any:
        call = self._channel.unary_unary(
            f"/mmesh.ModelRuntime/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=reply.FromString,
        )
        return await call(request, timeout=seconds)


def _limits(status: Any) -> Limits:
    return Limits(
        capacity=status.capacityInBytes,
        default_size=status.defaultModelSizeInBytes or 1_000_000,
        loading_concurrency=max(1, status.maxLoadingConcurrency),
        loading_seconds=max(100, status.modelLoadingTimeoutMs) / 1000,
        limit_model_concurrency=status.limitModelConcurrency,
        allow_any_method=status.allowAnyMethod or not status.methodInfos,
        methods={name: tuple(method.idInjectionPath) for name, method in status.methodInfos.items()},
    )


def _text(error: grpc.aio.AioRpcError) -> str:
    return f"{error.code().name}: {error.details()}"
