"""The `mmesh.ModelMesh` service: converts its messages and applies the rules of `models` and `vmodels`.

A call about a type that this pod does not serve is forwarded to a pod that does. If there is none, it is answered
from etcd, so that the model is at least registered and the answer names the missing labels.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc

from .cache import now_ms
from .errors import MeshError, already_exists, failed_precondition, invalid, not_found
from .etcd import EtcdError
from .models import Models, ModelStatus, Status, registration_time
from .peers import HOP_HEADER, Peers, is_handed, seconds_left
from .records import Model, ModelInfo
from .store import ConflictError, Draft, Store
from .vmodels import SetRequest, VModels, VModelStatus, wait_until
from .wire import mmesh as pb

log = logging.getLogger(__name__)

SERVICE = "mmesh.ModelMesh"

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True)
class _Method:
    serve: Callable[[Any], Awaitable[Any]]
    request: Any
    response: Any
    type_of: Callable[[Any], str]  # model type of the call; empty if any pod may answer


class Management:
    """The management service, in one handler that the gRPC server tries first."""

    def __init__(self, store: Store, models: Models, vmodels: VModels, peers: Peers, me: str) -> None:
        self._store = store
        self._models = models
        self._vmodels = vmodels
        self._peers = peers
        self._me = me

    def handler(self) -> grpc.GenericRpcHandler:
        """Handler of all methods of the service."""
        methods = {
            "setVModel": _Method(self._set, pb.SetVModelRequest, pb.VModelStatusInfo, self._type_of_target),
            "deleteVModel": _Method(self._delete, pb.DeleteVModelRequest, pb.DeleteVModelResponse, _any_type),
            "getVModelStatus": _Method(
                self._vmodel_status, pb.GetVModelStatusRequest, pb.VModelStatusInfo, self._type_of_vmodel
            ),
            "registerModel": _Method(
                self._register,
                pb.RegisterModelRequest,
                pb.ModelStatusInfo,
                lambda request: request.modelInfo.type,
            ),
            "unregisterModel": _Method(
                self._unregister, pb.UnregisterModelRequest, pb.UnregisterModelResponse, _any_type
            ),
            "getModelStatus": _Method(self._model_status, pb.GetStatusRequest, pb.ModelStatusInfo, self._type_of_model),
            "ensureLoaded": _Method(
                self._ensure_loaded, pb.EnsureLoadedRequest, pb.ModelStatusInfo, self._type_of_model
            ),
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    partial(self._serve, name, method),
                    request_deserializer=method.request.FromString,
                    response_serializer=method.response.SerializeToString,
                )
                for name, method in methods.items()
            },
        )

    async def _serve(self, name: str, method: _Method, request: Any, context: Context) -> Any:
        try:
            model_type = method.type_of(request)
            ours = (
                not model_type
                or self._models.serves(model_type)
                or is_handed(tuple(context.invocation_metadata() or ()))
            )
            if addresses := [] if ours else self._peers.serving(model_type):
                return await self._peers.hand(addresses, partial(self._hand, name, method, request, context))
            return await method.serve(request)
        except MeshError as error:
            await context.abort(error.code, error.details)
        except (EtcdError, ConflictError) as error:
            log.error("%s: %s", name, error)
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"{name}: state in etcd cannot be changed now: {error}")

    async def _hand(self, name: str, method: _Method, request: Any, context: Context, channel: grpc.aio.Channel) -> Any:
        call = channel.unary_unary(
            f"/{SERVICE}/{name}",
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        return await call(request, timeout=seconds_left(context), metadata=((HOP_HEADER, self._me),))

    # vmodels ----------------------------------------------------------------------------------------------------

    async def _set(self, request: Any) -> Any:
        status = await self._vmodels.set(
            SetRequest(
                vmodel=request.vModelId,
                target=request.targetModelId,
                owner=request.owner,
                info=_info(request),
                auto_delete=request.autoDeleteTargetModel,
                load_now=request.loadNow,
                update_only=request.updateOnly,
                force=request.force,
                sync=request.sync,
                expected_target=request.expectedTargetModelId,
            )
        )
        return _vmodel_message(status)

    async def _delete(self, request: Any) -> Any:
        await self._vmodels.delete(request.vModelId, request.owner)
        return pb.DeleteVModelResponse()

    async def _vmodel_status(self, request: Any) -> Any:
        if not request.vModelId:
            raise invalid("Must provide vModelId")
        if self._store.vmodel(request.vModelId) is None:
            await self._store.refresh(f"vmodels/{request.vModelId}")
        return _vmodel_message(self._vmodels.status(request.vModelId, request.owner))

    # models -----------------------------------------------------------------------------------------------------

    async def _register(self, request: Any) -> Any:
        info = _info(request) or ModelInfo("")
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

        await self._store.change(register)
        if not request.loadNow:
            return _model_message(self._models.status(request.modelId))
        used = request.lastUsedTime or registration_time(load_now=True)
        return await self._load(request.modelId, used, request.sync)

    async def _unregister(self, request: Any) -> Any:
        def unregister(draft: Draft) -> None:
            model = draft.model(request.modelId)
            if model and model.refs:
                raise failed_precondition(f"Model {request.modelId} has referents")
            if model:
                draft.delete_model(request.modelId)

        await self._store.change(unregister)
        return pb.UnregisterModelResponse()

    async def _model_status(self, request: Any) -> Any:
        await self._known(request.modelId)
        return _model_message(self._models.status(request.modelId))

    async def _ensure_loaded(self, request: Any) -> Any:
        if not await self._known(request.modelId):
            raise not_found("model not found")
        return await self._load(request.modelId, request.lastUsedTime or now_ms(), request.sync)

    async def _load(self, model_id: str, last_used: int, sync: bool) -> Any:
        status = self._models.ensure_loaded(model_id, last_used=last_used)
        if sync and status.status is Status.LOADING:
            await wait_until(lambda: self._models.status(model_id).status is not Status.LOADING)
            status = self._models.status(model_id)
        return _model_message(status)

    async def _known(self, model_id: str) -> bool:
        if not model_id:
            raise invalid("Must provide modelId")
        if self._store.model(model_id) is None:
            await self._store.refresh(f"registry/{model_id}")
        return self._store.model(model_id) is not None

    # types ------------------------------------------------------------------------------------------------------

    def _type_of_target(self, request: Any) -> str:
        return request.modelInfo.type or self._type(request.targetModelId)

    def _type_of_vmodel(self, request: Any) -> str:
        vmodel = self._store.vmodel(request.vModelId)
        return self._type(vmodel.target) if vmodel else ""

    def _type_of_model(self, request: Any) -> str:
        return self._type(request.modelId)

    def _type(self, model_id: str) -> str:
        model = self._store.model(model_id)
        return model.info.type if model else ""


def _any_type(_: Any) -> str:
    return ""


def _info(request: Any) -> ModelInfo | None:
    if not request.HasField("modelInfo"):
        return None
    return ModelInfo(request.modelInfo.type, request.modelInfo.path, request.modelInfo.key)


def _model_message(status: ModelStatus) -> Any:
    return pb.ModelStatusInfo(
        status=status.status.name,
        errors=status.errors,
        modelCopyInfos=[
            pb.ModelStatusInfo.ModelCopyInfo(location=copy.location, copyStatus=copy.status.name, time=copy.time)
            for copy in status.copies
        ],
    )


def _vmodel_message(status: VModelStatus) -> Any:
    return pb.VModelStatusInfo(
        status=status.transition.name,
        activeModelId=status.active,
        targetModelId=status.target,
        activeModelStatus=_model_message(status.active_status) if status.active_status else None,
        targetModelStatus=_model_message(status.target_status) if status.target_status else None,
        owner=status.owner,
    )
