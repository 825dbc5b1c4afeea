"""Patches for behaviour of MLServer 1.7.1 that has no setting, each with its reason.

- gRPC and REST: conversion between messages and MLServer's types (codec.py, rest_calls.py).
- gRPC: malformed messages, calls during shutdown, and cheaper call metrics (grpc_calls.py).
- REST: an invalid body or an unknown path gets FastAPI's `{"detail": [...]}` with 422 or 404. The protocol requires
  `{"error": "..."}`, and the status of an invalid body becomes 400.
- REST: a stream that fails before its first response gets 500, as its status is sent before. Here it is sent after.
- gRPC: a readiness request for an unknown model gets UNKNOWN. Here it is NOT_FOUND, as over REST.
- gRPC: an omitted version is searched for as an empty one. Here it means any. The state of a model in the index is
  "State.READY". Here it is "READY".
- Signals: each of the two HTTP servers handles SIGTERM, stops, and raises it again for the next, which interrupts
  calls. Here only MLServer handles it and stops the servers in turn.
- Metrics: every requested model name gets permanent series. Here the model has to exist, and series are cached. The
  metrics that a model's code registers are missing, unless there are parallel workers. Here they are served.
- REST: limits on body sizes, and the calls that are counted (rest_calls.py).
- Errors: gRPC drops the status of a message longer than a few KiB, and the response of one that is not UTF-8. Here
  messages are truncated and escaped.
- Loads: a model that is unloaded while another load replaces it gets no notification. Here it does.
- Batches: adaptive batching only merges lists. Here it merges arrays, too.
- CloudEvents: every request and response gets half a dozen headers that ModelMesh drops. Here they are omitted.
"""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext, suppress
from time import perf_counter
from typing import Any

import mlserver.batching.requests as batches
import mlserver.grpc.server as grpc_server
import mlserver.grpc.servicers as grpc_servicers
import mlserver.metrics.server as metrics_server
import mlserver.rest.errors as rest_errors
import mlserver.rest.server as rest_server
import numpy as np
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from mlserver.context import model_context
from mlserver.errors import MLServerError, ModelNotReady
from mlserver.grpc.utils import handle_mlserver_error
from mlserver.handlers import dataplane
from mlserver.middleware import InferenceMiddlewares
from mlserver.registry import MultiModelRegistry
from mlserver.rest.endpoints import Endpoints
from mlserver.rest.requests import Request as RestRequest
from mlserver.rest.responses import Response, ServerSentEvent
from mlserver.settings import ModelSettings
from mlserver.types import State
from prometheus_client import REGISTRY
from starlette.exceptions import HTTPException
from starlette_exporter import PrometheusMiddleware

from . import codec, grpc_calls, metrics, rest_calls


def installed() -> bool:
    """Whether the patches are applied; a plain `mlserver start` does not have them."""
    servicers: Any = grpc_servicers
    return bool(servicers.ModelInferRequestConverter is codec.RequestConverter)


def install() -> None:
    """Apply all patches, before MLServer creates its servers. Idempotent."""
    servicers: Any = grpc_servicers
    servicers.ModelInferRequestConverter = codec.RequestConverter
    servicers.ModelInferResponseConverter = codec.ResponseConverter
    servicer: Any = grpc_servicers.InferenceServicer
    servicer.ModelReady = handle_mlserver_error(grpc_servicers.InferenceServicer.ModelReady)
    handlers: Any = rest_errors._EXCEPTION_HANDLERS
    handlers[RequestValidationError] = rest_calls.answer_invalid_body
    handlers[HTTPException] = answer_http_error
    plane, no_headers = (dataplane, InferenceMiddlewares)  # type: tuple[Any, Any]
    plane.CloudEventsMiddleware = lambda _: no_headers()
    plane.DataPlane._infer_contextmanager = lambda self, name, version=None: _Inference(self, name, version)
    error: Any = MLServerError
    error.__str__ = _sendable
    registry: Any = MultiModelRegistry
    registry.get_model = _get_model
    registry.load = _load
    endpoints: Any = Endpoints
    endpoints.infer = rest_calls.infer
    endpoints.infer_stream = _begun(_infer_stream)
    merging: Any = batches
    merging._merge_data = _merge_data
    state: Any = State
    state.__str__ = lambda self: self.value
    http_servers: Any = (rest_server._NoSignalServer, metrics_server._NoSignalServer)
    for http_server in http_servers:
        http_server.capture_signals = lambda _: nullcontext()
    http: tuple[Any, Any] = (RestRequest, PrometheusMiddleware)
    http[0].body = rest_calls.body
    http[0].json = rest_calls.parsed
    http[1].__call__ = rest_calls.counted
    server: Any = grpc_server
    server.aio = grpc_calls  # uses its attribute `server`
    event: Any = ServerSentEvent
    event.encode = lambda self: b"data: " + codec.as_json(self.data) + b"\n\n"
    with suppress(ValueError):  # it is registered already
        REGISTRY.register(metrics.OF_MODELS)


_mlservers_get_model: Any = MultiModelRegistry.get_model
_mlservers_load: Any = MultiModelRegistry.load
_infer_stream: Any = Endpoints.infer_stream
_merge_lists: Any = batches._merge_data

# Bytes of UTF-8; HTTP/2 encodes a byte as three, and gRPC's limit is 8 KiB.
_MESSAGE_BYTES = 2000


async def _get_model(self: MultiModelRegistry, name: str, version: str | None = None) -> Any:
    return await _mlservers_get_model(self, name, version or None)


async def _load(self: MultiModelRegistry, settings: ModelSettings) -> Any:
    model = await _mlservers_load(self, settings)
    if settings.name not in self._models:
        await model.unload()
    return model


def _merge_data(all_data: list[Any]) -> Any:
    if any(isinstance(each, np.ndarray) for each in all_data):
        return np.concatenate([np.ravel(each) for each in all_data])
    return _merge_lists(all_data)


def _sendable(error: MLServerError) -> str:
    data = Exception.__str__(error).encode(errors="backslashreplace")
    text = data[:_MESSAGE_BYTES].decode(errors="ignore")
    return text if len(data) <= _MESSAGE_BYTES else f"{text} …"


class _Inference:
    """Context of one prediction, which, like MLServer's, finds the model, and counts and times the result."""

    def __init__(self, plane: Any, name: str, version: str | None = None) -> None:
        self._plane, self._registry = plane, plane._model_registry
        self._name, self._version = name, version or None

    async def __aenter__(self) -> Any:
        model = await self._registry.get_model(self._name, self._version)
        if not model.ready:
            raise ModelNotReady(self._name, self._version)
        # Looked up now, so that counting after the model's unload does not recreate the series.
        self._series = metrics.mlservers(self._plane, self._name, self._version or "")
        self._context = model_context(model.settings)
        self._context.__enter__()
        self._started = perf_counter()
        return model

    async def __aexit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        # A stream over REST ends in another task than it began in, which does not have the context variables.
        with suppress(ValueError):
            self._context.__exit__(None, None, None)
        self._series.duration.observe(perf_counter() - self._started)
        (self._series.failure if kind else self._series.success).inc()


def _begun(infer_stream: Callable[..., Any]) -> Callable[..., Any]:
    """Wrapper of the endpoint that returns when the first part of the response exists."""

    @functools.wraps(infer_stream)
    async def answer(*args: Any, **kwargs: Any) -> Any:
        response = await infer_stream(*args, **kwargs)
        parts = response.body_iterator
        first = await anext(parts)

        async def all_parts() -> AsyncIterator[Any]:
            yield first
            async for part in parts:
                yield part

        response.body_iterator = all_parts()
        return response

    return answer


async def answer_http_error(request: Request, error: HTTPException) -> Response:
    """Answer an unknown path or method in the protocol's format."""
    reason = f"{request.method} {request.scope['path']}: {error.detail}"
    return Response(status_code=error.status_code, content={"error": reason}, headers=error.headers)
