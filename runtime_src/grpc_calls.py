"""Lets gRPC calls through to MLServer's methods: those that hold a message, and until the server is told to end.

gRPC answers bytes that do not parse with UNKNOWN and the name of a Python class, and MLServer a stream that ends before
its first message with INTERNAL; here both are INVALID_ARGUMENT. ModelMesh hands payloads on unread, so whatever comes
from a client does arrive. And a server that stops cancels calls that came before, but that it has not got round to;
here they are answered, and later ones are UNAVAILABLE: the caller's sign to ask another server.
"""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from mlserver.errors import InferenceError
from mlserver.grpc import dataplane_pb2_grpc

_NO_MESSAGE = "request: expected a protobuf message of the V2 protocol"
# So long after it is told to end, the server has got round to every call that came before.
_BACKLOG_SECONDS = 0.5
# Without a call for so long, nobody sends any more.
_QUIET_SECONDS = 0.1


def add_servicer(servicer: Any, server: Any) -> None:
    """Do what the generated function of that purpose does, with the gate between."""
    generated: Any = dataplane_pb2_grpc
    generated.add_GRPCInferenceServiceServicer_to_server(servicer, _Gate(server))


class _Gate:
    """Stands in for the server where its methods are added, and for its `stop`."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._stop = server.stop
        self._closed = False
        self._last_call = 0.0
        server.stop = self.stop

    def add_generic_rpc_handlers(self, _: Any) -> None:
        """Nothing: the generated function hands the same handlers to the next method, by their names."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        gated = {
            name: self._stream(handler) if handler.request_streaming else self._call(handler)
            for name, handler in handlers.items()
        }
        generic: Any = grpc.method_handlers_generic_handler
        self._server.add_generic_rpc_handlers((generic(service, gated),))

    async def stop(self, grace: float) -> None:
        """Refuse further calls, wait until there are none, and give those under way the time that is left."""
        end = monotonic() + grace
        await asyncio.sleep(_BACKLOG_SECONDS)
        self._closed = True
        self._last_call = monotonic()
        while monotonic() < min(end, self._last_call + _QUIET_SECONDS):
            await asyncio.sleep(_QUIET_SECONDS / 5)
        await self._stop(max(end - monotonic(), 0))

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
