"""Inference: any unary gRPC method outside the management API, on raw bytes.

The model id is in the request, at a field that the ConfigMap names, or in the metadata. The id of the concrete model
is written into the request and its metadata, and the call goes to the runtime of this pod, or to the pod that serves
the type. Deadline, other metadata and the answer pass unchanged.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc

from . import metrics
from .cache import Cache, Copy
from .constraints import DataplaneConfig
from .errors import MeshError, invalid, not_found
from .etcd import EtcdError
from .models import Models
from .peers import HOP_HEADER, Metadata, Peers, is_handed, seconds_left
from .protofields import extract, inject
from .records import Model
from .runtime import Limits, LoadError
from .store import Store

log = logging.getLogger(__name__)

_TRIES = 4
_RUNTIME_BACK_SECONDS = 30.0
_VMODEL_HEADERS = ("mm-vmodel-id", "mm-vmodel-id-bin")
_MODEL_HEADERS = ("mm-model-id", "mm-model-id-bin", "tas-model-id")

Context = grpc.aio.ServicerContext[Any, Any]


class _LostError(Exception):
    """The runtime has lost the model, or the connection to it broke; the call can be retried."""

    def __init__(self, error: MeshError, disconnected: bool) -> None:
        self.error = error
        self.disconnected = disconnected


@dataclass(frozen=True)
class _Name:
    id: str
    vmodel: bool


@dataclass(kw_only=True, eq=False)
class Dataplane(grpc.GenericRpcHandler):
    """A generic gRPC handler for every method without another handler."""

    store: Store
    cache: Cache
    models: Models
    peers: Peers
    config: DataplaneConfig
    limits: Limits
    runtime: grpc.aio.Channel
    me: str
    log_each_call: bool
    last_call: float = 0.0
    """Monotonic time, by which a stopping pod sees whether it still has clients."""

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        """Handler of one method."""
        # Takes a stream of requests, so that a second message is refused instead of being lost.
        return grpc.stream_unary_rpc_method_handler(partial(self._serve, details.method.lstrip("/")))

    async def _serve(self, method: str, requests: AsyncIterator[bytes], context: Context) -> Any:
        started, code, size = time.monotonic(), "CANCELLED", 0
        self.last_call = started
        try:
            message = await _only(requests)
            size = len(message)
            reply = await self._answer(method, message, context)
            code = "OK"
            metrics.RESPONSE_SIZE.labels(self._label(method), code).observe(len(reply))
            return reply
        except MeshError as error:
            code = error.code.name
            if self.log_each_call:
                log.info("%s: %s", method, error)
            await context.abort(error.code, error.details, error.trailing)
        finally:
            metrics.REQUEST_SIZE.labels(self._label(method), code).observe(size)
            metrics.API_REQUEST.labels(self._label(method), code).observe((time.monotonic() - started) * 1000)

    def _label(self, method: str) -> str:
        """The method as a label of metrics; callers can name any number of methods, each of which would add series."""
        known = method in self.limits.methods or self.config.id_field(method) is not None
        return method if known else "other"

    async def _answer(self, method: str, message: bytes, context: Context) -> bytes:
        if method.startswith("mmesh.") or not self.config.allows(method):
            raise MeshError(grpc.StatusCode.UNIMPLEMENTED, f"Method not found or not permitted: {method}")
        metadata: Metadata = tuple(context.invocation_metadata() or ())
        names = self._names(method, message, metadata)
        # Several ids call several models at once; their answers are concatenated, as protobuf merges messages.
        replies = [await self._ask(method, message, metadata, name, context) for name in names]
        return b"".join(replies)

    def _names(self, method: str, message: bytes, metadata: Metadata) -> list[_Name]:
        if field := self.config.id_field(method):
            try:
                name = extract(message, field.path)
            except ValueError as error:
                raise invalid(f"cannot read the model id from the request: {error}") from None
            if name == "":
                raise invalid("model id in the request is empty")
            if name is not None:
                return [_Name(name, field.vmodel)]
        vmodels = [_Name(value, True) for value in _values(metadata, _VMODEL_HEADERS)]
        models = [_Name(value, False) for value in _values(metadata, _MODEL_HEADERS)]
        if vmodels and models:
            raise invalid("must include either mm-model-id or mm-vmodel-id headers, not both")
        if not vmodels and not models:
            raise invalid("must include mm-model-id header")
        if any(not name.id for name in vmodels + models):
            raise invalid("model id in the metadata is empty")
        return vmodels + models

    async def _resolve(self, name: _Name) -> tuple[str, Model]:
        candidates = [name.id]
        if name.vmodel:
            vmodel = self.store.vmodels.get(name.id)
            if vmodel is None and await self._refresh(f"vmodels/{name.id}"):
                vmodel = self.store.vmodels.get(name.id)
            if vmodel is None:
                raise not_found("vmodel not found")
            candidates = [vmodel.active, vmodel.target]
        for model_id in candidates:
            if model := self.store.models.get(model_id):
                return model_id, model
            if await self._refresh(f"registry/{model_id}") and (model := self.store.models.get(model_id)):
                return model_id, model
        raise not_found("model not found")

    async def _refresh(self, key: str) -> bool:
        """Read a key again that another pod may just have written."""
        try:
            return await self.store.refresh(key)
        except EtcdError as error:
            log.warning("%s: %s", key, error)
            return False

    async def _ask(self, method: str, message: bytes, metadata: Metadata, name: _Name, context: Context) -> bytes:
        for last in [False] * (_TRIES - 1) + [True]:
            model_id, model = await self._resolve(name)
            if not self.models.serves(model.info.type):
                return await self._hand(method, message, metadata, model, context)
            request = self._injected(method, message, model_id)
            copy: Copy | None = None
            try:
                async with self.cache.use(model_id, model.info) as copy:
                    return await self._invoke(method, request, metadata, model_id, context)
            except LoadError as error:
                if last or self.store.models.get(model_id):
                    raise MeshError(grpc.StatusCode.INTERNAL, str(error)) from None
            except _LostError as lost:
                log.warning("%s: %s; trying again", model_id, lost.error)
                if last or (lost.disconnected and not await self._runtime_back(context)):
                    raise lost.error from None
                if not lost.disconnected and self.cache.copies.get(model_id) is copy:
                    self.cache.drop(model_id)
        raise AssertionError("the last try returns or raises")

    def _injected(self, method: str, message: bytes, model_id: str) -> bytes:
        path = self.limits.methods.get(method)
        if path is None and not self.limits.allow_any_method:
            raise MeshError(grpc.StatusCode.UNIMPLEMENTED, f"Method not found or not permitted: {method}")
        try:
            return inject(message, path, model_id) if path else message
        except ValueError as error:
            raise invalid(f"cannot write the model id into the request: {error}") from None

    async def _invoke(self, method: str, message: bytes, metadata: Metadata, model_id: str, context: Context) -> bytes:
        ids: list[tuple[str, str | bytes]] = [("mm-model-id-bin", model_id.encode())]
        if model_id.isascii():
            ids.append(("mm-model-id", model_id))
        passed = [item for item in _forwardable(metadata) if not item[0].startswith(("mm-", "tas-model-id"))]
        started, code = time.monotonic(), "OK"
        try:
            return await _call(self.runtime, method, message, (*passed, *ids), context)
        except grpc.aio.AioRpcError as error:
            code = error.code().name
            prefixed = MeshError(
                error.code(),
                f"{method}: {code}: {error.details()}",
                _forwardable(tuple(error.trailing_metadata() or ())),
            )
            disconnected = (
                error.code() is grpc.StatusCode.UNAVAILABLE
                and self.runtime.get_state() is not grpc.ChannelConnectivity.READY
            )
            if disconnected or _model_unknown(error):
                raise _LostError(prefixed, disconnected) from None
            raise prefixed from None
        finally:
            metrics.INVOKE_MODEL.labels(self._label(method), code).observe((time.monotonic() - started) * 1000)

    async def _hand(self, method: str, message: bytes, metadata: Metadata, model: Model, context: Context) -> bytes:
        addresses = [] if is_handed(metadata) else self.peers.serving(model.info.type, model)
        if not addresses:
            raise MeshError(grpc.StatusCode.INTERNAL, str(self.models.no_runtime(model.info.type)))
        marked = (*_forwardable(metadata), (HOP_HEADER, self.me))
        return await self.peers.hand(addresses, lambda peer: _call(peer, method, message, marked, context))

    async def _runtime_back(self, context: Context) -> bool:
        """Wait for a runtime that is restarting; False if it does not come back in time."""
        seconds = min(seconds_left(context) or _RUNTIME_BACK_SECONDS, _RUNTIME_BACK_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                while (state := self.runtime.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
                    await self.runtime.wait_for_state_change(state)
            return True
        except TimeoutError:
            return False


async def _only(requests: AsyncIterator[bytes]) -> bytes:
    """The only message of a unary call."""
    message: bytes | None = None
    async for request in requests:
        if message is not None:
            raise MeshError(grpc.StatusCode.UNIMPLEMENTED, "Streaming not supported yet")
        message = request
    if message is None:
        raise invalid("call without a request")
    return message


def _values(metadata: Metadata, headers: tuple[str, ...]) -> list[str]:
    found = [value for key, value in metadata if key in headers]
    try:
        return [value.decode() if isinstance(value, bytes) else value for value in found]
    except UnicodeDecodeError:
        raise invalid("model id in the metadata is not UTF-8") from None


def _forwardable(metadata: Metadata) -> tuple[tuple[str, str | bytes], ...]:
    """Metadata of the call without the entries that belong to one connection."""
    return tuple((key, value) for key, value in metadata if not key.startswith((":", "grpc-")) and key != "user-agent")


async def _call(channel: grpc.aio.Channel, method: str, message: bytes, metadata: Metadata, context: Context) -> bytes:
    """Pass a call on with its deadline, and its metadata back."""
    invoke: Any = channel.unary_unary(f"/{method}")
    call = invoke(message, timeout=seconds_left(context), metadata=metadata)
    reply = bytes(await call)
    if initial := _forwardable(await call.initial_metadata() or ()):
        await context.send_initial_metadata(initial)
    if trailing := _forwardable(await call.trailing_metadata() or ()):
        context.set_trailing_metadata(trailing)
    return reply


def _model_unknown(error: grpc.aio.AioRpcError) -> bool:
    """Whether the runtime reports that it does not have the model; model servers differ in how they report it."""
    details = error.details() or ""
    match error.code():
        case grpc.StatusCode.NOT_FOUND:
            return True
        case grpc.StatusCode.INVALID_ARGUMENT:
            return details.startswith("Model ") and "not found" in details
        case grpc.StatusCode.UNAVAILABLE:
            return details.startswith("Request for unknown model")
        case _:
            return False
