"""Validates gRPC messages before MLServer's methods, and rejects calls during shutdown.

Parsing takes up to 44 times a message's bytes: an empty tensor has two bytes in a message and 90 in memory. So the
fields of a message are counted before it is parsed; after that, a message of more than a few KiB takes at most about 32
times its size.

Without the validation, gRPC answers malformed messages with UNKNOWN and the name of a Python class, and MLServer a
stream without messages with INTERNAL; here both are INVALID_ARGUMENT. ModelMesh forwards payloads unread, so clients
can cause either. A stopping server would also cancel calls that it has accepted but not started; here they are
answered, and later ones get UNAVAILABLE, on which the caller tries another server.

MLServer's metrics are attached to each method once, and their series are cached. As an interceptor they would be
attached at each call, which is noticeable in the duration of small calls.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from time import monotonic
from typing import Any

import grpc
from google.protobuf.internal import decoder
from google.protobuf.message import DecodeError, Message
from mlserver.errors import InferenceError
from mlserver.grpc.interceptors import PromServerInterceptor

from .limits import MOST_TENSORS

_NO_MESSAGE = "request: expected a protobuf message of the V2 protocol"
_varint: Any = decoder._DecodeVarint
_FIXED = {1: 8, 5: 4}
"""Wire type of a protobuf field → the bytes of its value."""
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
        parse = _parser(handler.request_deserializer)

        async def answer(data: bytes, context: Any) -> Any:
            if self._closed:
                await self._refuse(context)
            try:
                request = parse(data)
            except InferenceError as error:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            return await handler.unary_unary(request, context)

        return handler._replace(request_deserializer=None, unary_unary=answer)

    def _stream(self, handler: Any) -> Any:
        parse = _parser(handler.request_deserializer)

        async def messages(requests: AsyncIterator[bytes]) -> AsyncIterator[Message]:
            empty = True
            async for data in requests:
                message = parse(data)
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


def _parser(from_bytes: Any) -> Callable[[bytes], Message]:
    """Function that parses the messages of one type, and raises InferenceError for what is none, or has too much."""
    names = {field.number: field.name for field in from_bytes.__self__.DESCRIPTOR.fields}

    def parse(data: bytes) -> Message:
        try:
            if len(data) > 2 * MOST_TENSORS:  # a field has two bytes at least
                _check_fields(data, names)
            message: Message = from_bytes(data)
        except (DecodeError, IndexError) as error:
            raise InferenceError(_NO_MESSAGE) from error
        return message

    return parse


def _check_fields(data: bytes, names: Mapping[int, str]) -> None:
    """Count the fields of a message, but not those of the messages in it.

    Raises:
        InferenceError: A field occurs too often.
        DecodeError, IndexError: The bytes are no message.
    """
    found = Counter[str]()
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        name = names.get(tag >> 3, "unknown fields")
        found[name] += 1
        if found[name] > MOST_TENSORS:
            raise InferenceError(f"{name}: expected at most {MOST_TENSORS}, got more")
        if tag & 7 in (0, 2):
            value, place = _varint(data, place)
            place += value if tag & 7 else 0
        elif tag & 7 in _FIXED:
            place += _FIXED[tag & 7]
        else:
            raise DecodeError("groups, which the protocol does not have")


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
