"""The `mmesh.ModelMesh` service: reads its requests and applies the rules of `models` and `vmodels`.

A call about a type that this pod does not serve is forwarded to a pod that does. If there is none, it is answered
from etcd, so that the model is at least registered and the answer names the missing labels.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from .cache import now_ms
from .errors import MeshError, already_exists, failed_precondition, invalid, not_found
from .etcd import EtcdError
from .models import Models, registration_time, requested_info
from .peers import HOP_HEADER, Peers, is_handed, seconds_left
from .records import Model, ModelInfo
from .store import ConflictError, Draft, Store
from .vmodels import VModels, wait_until
from .wire import mmesh as pb

log = logging.getLogger(__name__)

SERVICE = pb.DESCRIPTOR.services_by_name["ModelMesh"]

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True)
class _Method:
    name: str
    serve: Callable[[Any], Awaitable[Any]]
    type_of: Callable[[Any], str] | None = None  # model type of a request; any pod may answer if None or if empty

    @property
    def request(self) -> Any:
        return GetMessageClass(SERVICE.methods_by_name[self.name].input_type)

    @property
    def response(self) -> Any:
        return GetMessageClass(SERVICE.methods_by_name[self.name].output_type)


@dataclass(frozen=True)
class Management:
    """The management service, in one handler that the gRPC server tries first."""

    store: Store
    models: Models
    vmodels: VModels
    peers: Peers
    me: str

    def handler(self) -> grpc.GenericRpcHandler:
        """Handler of all methods of the service."""
        methods = [
            _Method("setVModel", self.vmodels.set, lambda call: call.modelInfo.type or self._type(call.targetModelId)),
            _Method("deleteVModel", self._delete),
            _Method("getVModelStatus", self._vmodel_status, self._type_of_vmodel),
            _Method("registerModel", self._register, lambda call: str(call.modelInfo.type)),
            _Method("unregisterModel", self._unregister),
            _Method("getModelStatus", self._model_status, lambda call: self._type(call.modelId)),
            _Method("ensureLoaded", self._ensure_loaded, lambda call: self._type(call.modelId)),
        ]
        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(
                partial(self._serve, method),
                request_deserializer=method.request.FromString,
                response_serializer=method.response.SerializeToString,
            )
            for method in methods
        }
        return grpc.method_handlers_generic_handler(SERVICE.full_name, handlers)

    async def _serve(self, method: _Method, request: Any, context: Context) -> Any:
        try:
            model_type = method.type_of(request) if method.type_of else ""
            ours = (
                not model_type
                or self.models.serves(model_type)
                or is_handed(tuple(context.invocation_metadata() or ()))
            )
            if addresses := [] if ours else self.peers.serving(model_type):
                return await self.peers.hand(addresses, partial(self._hand, method, request, context))
            return await method.serve(request)
        except MeshError as error:
            await context.abort(error.code, error.details)
        except (EtcdError, ConflictError) as error:
            log.error("%s: %s", method.name, error)
            await context.abort(
                grpc.StatusCode.UNAVAILABLE, f"{method.name}: state in etcd cannot be changed now: {error}"
            )

    async def _hand(self, method: _Method, request: Any, context: Context, channel: grpc.aio.Channel) -> Any:
        call = channel.unary_unary(
            f"/{SERVICE.full_name}/{method.name}",
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        return await call(request, timeout=seconds_left(context), metadata=((HOP_HEADER, self.me),))

    async def _delete(self, request: Any) -> Any:
        await self.vmodels.delete(request.vModelId, request.owner)
        return pb.DeleteVModelResponse()

    async def _vmodel_status(self, request: Any) -> Any:
        if not request.vModelId:
            raise invalid("Must provide vModelId")
        if self.store.vmodels.get(request.vModelId) is None:
            await self.store.refresh(f"vmodels/{request.vModelId}")
        return self.vmodels.status(request.vModelId, request.owner)

    async def _register(self, request: Any) -> Any:
        info = requested_info(request) or ModelInfo("")
        if not request.modelId:
            raise invalid("Must provide modelId")
        if not info.type:
            raise invalid("Must provide non-empty model type string")

        def register(draft: Draft) -> None:
            model = draft.model(request.modelId)
            if model and model.info != info:
                raise already_exists("Model already exists with different attribute values")
            if model is None:
                used = request.lastUsedTime or registration_time(request.loadNow)
                draft.put(request.modelId, Model(info=info, last_used=used))

        await self.store.change(register)
        if not request.loadNow:
            return self.models.status(request.modelId)
        used = request.lastUsedTime or registration_time(load_now=True)
        return await self._load(request.modelId, used, request.sync)

    async def _unregister(self, request: Any) -> Any:
        def unregister(draft: Draft) -> None:
            model = draft.model(request.modelId)
            if model and model.refs:
                raise failed_precondition(f"Model {request.modelId} has referents")
            if model:
                draft.delete(f"registry/{request.modelId}")

        await self.store.change(unregister)
        return pb.UnregisterModelResponse()

    async def _model_status(self, request: Any) -> Any:
        await self._known(request.modelId)
        return self.models.status(request.modelId)

    async def _ensure_loaded(self, request: Any) -> Any:
        if not await self._known(request.modelId):
            raise not_found("model not found")
        return await self._load(request.modelId, request.lastUsedTime or now_ms(), request.sync)

    async def _load(self, model_id: str, last_used: int, sync: bool) -> Any:
        loading = pb.ModelStatusInfo.LOADING
        status = self.models.ensure_loaded(model_id, last_used=last_used)
        if sync and status.status == loading:
            await wait_until(lambda: bool(self.models.status(model_id).status != loading))
            status = self.models.status(model_id)
        return status

    async def _known(self, model_id: str) -> bool:
        if not model_id:
            raise invalid("Must provide modelId")
        if self.store.models.get(model_id) is None:
            await self.store.refresh(f"registry/{model_id}")
        return self.store.models.get(model_id) is not None

    def _type_of_vmodel(self, request: Any) -> str:
        vmodel = self.store.vmodels.get(request.vModelId)
        return self._type(vmodel.target) if vmodel else ""

    def _type(self, model_id: str) -> str:
        model = self.store.models.get(model_id)
        return model.info.type if model else ""
