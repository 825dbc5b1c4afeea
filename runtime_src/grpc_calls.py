"""Lets gRPC calls through to MLServer's methods: those that hold a message, and until the server is told to end.

gRPC answers bytes that do not parse with UNKNOWN and the name of a Python class, and MLServer a stream that ends before
its first message with INTERNAL; here both are INVALID_ARGUMENT. ModelMesh hands payloads on unread, so whatever comes
from a client does arrive. And a server that stops cancels calls that came before, but that it has not got round to;
here they are answered, and later ones are UNAVAILABLE: the caller's sign to ask another server.

MLServer's metrics of calls are put around each method once, and their series looked up once. As the interceptor that
they come as, they would be put around it anew at each call, and that shows in the time of a small one.
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
# So long after it is told to end, the server has got round to every call that came before.
_BACKLOG_SECONDS = 0.5
# Without a call for so long, nobody sends any more.
_QUIET_SECONDS = 0.1


def server(pool: Executor, interceptors: Sequence[Any], options: Sequence[tuple[str, Any]]) -> "GatedServer":
    """Make a server as `grpc.aio.server` does, with the gate before its methods."""
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
        """Nothing: generated code hands the same handlers to the next method, by their names."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """Add the methods of a service."""
        gated = {name: self._counted(service, name, self._gated(handler)) for name, handler in handlers.items()}
        self._server.add_registered_method_handlers(service, gated)

    async def stop(self, grace: float) -> None:
        """Refuse further calls, wait until there are none, and give those under way the time that is left."""
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
                raise InferenceError("request: expected one at the least, got the stream's end")

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
    """Have it keep the series that it has found by their labels: there are a few dozen."""
    interceptor: Any = counter._interceptor
    interceptor._metrics = {name: _Series(metric) for name, metric in interceptor._metrics.items()}
    interceptor._grpc_server_handled_total_counter = _Series(interceptor._grpc_server_handled_total_counter)


class _Series:
    """A metric that is asked for the same labels again and again, always in the same order."""

    def __init__(self, metric: Any) -> None:
        self._metric = metric
        self._found: dict[tuple[str, ...], Any] = {}

    def labels(self, **labels: str) -> Any:
        key = tuple(labels.values())
        if key not in self._found:
            self._found[key] = self._metric.labels(**labels)
        return self._found[key]
