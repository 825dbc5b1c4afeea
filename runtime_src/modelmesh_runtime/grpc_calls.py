"""Validates gRPC messages before MLServer's methods, and rejects calls during shutdown.

Without it, gRPC answers malformed messages with UNKNOWN and the name of a Python class, and MLServer a stream without
messages with INTERNAL; here both are INVALID_ARGUMENT. ModelMesh forwards payloads unread, so clients can cause either.
A stopping server would also cancel calls that it has accepted but not started; here they are answered, and later ones
get UNAVAILABLE, on which the caller tries another server.

MLServer's metrics are attached to each method once, and their series are cached. As an interceptor they would be
attached at each call, which is noticeable in the duration of small calls.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from functools import partial
from time import monotonic
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from mlserver.errors import InferenceError
from mlserver.grpc.interceptors import PromServerInterceptor

_NO_MESSAGE = "request: expected a protobuf message of the V2 protocol"
# Time after the signal in which the server starts all calls that it had accepted before.
_BACKLOG_SECONDS = 0.5
# Time without calls after which all clients have switched to another server.
_QUIET_SECONDS = 0.1


def server(pool: Executor, interceptors: Sequence[Any], options: Sequence[tuple[str, Any]]) -> "GatedServer":
    """Create a server like `grpc.aio.server`, with the gate before its methods."""
    counters = [each for each in interceptors if isinstance(each, PromServerInterceptor)]
    others = [each for each in interceptors if each not in counters]
    aio: Any = grpc.aio
    return GatedServer(aio.server(pool, interceptors=others, options=options), counters)


class GatedServer:
    """A gRPC server with a gate before all methods that are added to it."""

    def __init__(self, server: Any, counters: Sequence[PromServerInterceptor]) -> None:
        self._server = server
        self._counters = counters
        for each in counters:
            _look_up_once(each)
        self._closed = False
        self._last_call = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def add_generic_rpc_handlers(self, _: Any) -> None:
        """Do nothing: generated code also calls `add_registered_method_handlers` with the same handlers."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """Add the methods of a service."""
        gated = {name: self._counted(service, name, self._gated(handler)) for name, handler in handlers.items()}
        self._server.add_registered_method_handlers(service, gated)

    async def stop(self, grace: float) -> None:
        """Reject further calls, wait until there are none, and give those in progress the remaining time."""
        end = monotonic() + grace
        await asyncio.sleep(_BACKLOG_SECONDS)
        self._closed = True
        self._last_call = monotonic()
        while monotonic() < min(end, self._last_call + _QUIET_SECONDS):
            await asyncio.sleep(_QUIET_SECONDS / 5)
        await self._server.stop(max(end - monotonic(), 0))

    def _counted(self, service: str, method: str, handler: Any) -> Any:
        for each in self._counters:
            wrapper = partial(each._metrics_wrapper, (service, method, ""))
            handler = each._interceptor._wrap_rpc_behavior(handler, wrapper)
        return handler

    def _gated(self, handler: Any) -> Any:
        return self._stream(handler) if handler.request_streaming else self._call(handler)

    def _call(self, handler: Any) -> Any:
        async def answer(data: bytes, context: Any) -> Any:
            if self._closed:
                await self._refuse(context)
            try:
                request = handler.request_deserializer(data)
            except DecodeError:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, _NO_MESSAGE)
            return await handler.unary_unary(request, context)

        return handler._replace(request_deserializer=None, unary_unary=answer)

    def _stream(self, handler: Any) -> Any:
        async def messages(requests: AsyncIterator[bytes]) -> AsyncIterator[Message]:
            empty = True
            async for data in requests:
                try:
                    message = handler.request_deserializer(data)
                except DecodeError as error:
                    raise InferenceError(_NO_MESSAGE) from error
                empty = False
                yield message
            if empty:
                raise InferenceError("request: expected at least one, got the end of the stream")

        async def answers(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[Any]:
            if self._closed:
                await self._refuse(context)
            async for each in handler.stream_stream(messages(requests), context):
                yield each

        return handler._replace(request_deserializer=None, stream_stream=answers)

    async def _refuse(self, context: Any) -> None:
        self._last_call = monotonic()
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is about to end")


def _look_up_once(counter: PromServerInterceptor) -> None:
    """Cache the series by their labels; there are only a few dozen."""
    interceptor: Any = counter._interceptor
    interceptor._metrics = {name: _Series(metric) for name, metric in interceptor._metrics.items()}
    interceptor._grpc_server_handled_total_counter = _Series(interceptor._grpc_server_handled_total_counter)


class _Series:
    """A metric with cached series, for labels that always come in the same order."""

    def __init__(self, metric: Any) -> None:
        self._metric = metric
        self._found: dict[tuple[str, ...], Any] = {}

    def labels(self, **labels: str) -> Any:
        key = tuple(labels.values())
        if key not in self._found:
            self._found[key] = self._metric.labels(**labels)
        return self._found[key]
