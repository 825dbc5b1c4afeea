"""Vmodels: the stable names that clients use, each with its active model and its target model.

A new target is loaded first while the active model keeps answering; then it is promoted, or the vmodel is marked as
failed. Both are written to etcd, where the controller sees them. Every pod that serves the target's type drives the
transition; transactions make that safe.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .cache import State, now_ms
from .errors import MeshError, already_exists, failed_precondition, invalid, not_found
from .etcd import EtcdError
from .models import Models, NoRuntimeError, registration_time, requested_info
from .records import Model, VModel
from .store import ConflictError, Draft, Store
from .wire import mmesh as pb

log = logging.getLogger(__name__)

_SYNC_SECONDS = 240.0
_SYNC_STEP = 0.02


@dataclass(frozen=True)
class VModels:
    """Vmodels of the service."""

    store: Store
    models: Models
    default_owner: str

    async def set(self, request: Any) -> Any:
        """Create a vmodel or give it a new target, as a setVModel request says; idempotent."""
        if not request.vModelId:
            raise invalid("Must provide vModelId")
        if not request.targetModelId:
            raise invalid("Must provide targetModelId")
        if request.HasField("modelInfo") and not request.modelInfo.type:
            raise invalid("Must provide non-empty model type string")
        vmodel = await self.store.change(lambda draft: self._set(draft, request))
        moving = vmodel.active != vmodel.target
        refused = None
        if request.loadNow or moving:
            used = now_ms() if moving else registration_time(load_now=True)
            after = self.models.ensure_loaded(vmodel.target, last_used=used)
            if after.status == pb.ModelStatusInfo.LOADING_FAILED and not after.modelCopyInfos:
                refused = after  # no pod serves the type: reported in this answer only
        if refused and moving:
            await self._mark(request.vModelId, vmodel.target, failed=True)
        if request.sync and not refused:
            await self._settled(request)
        status = self.status(request.vModelId)
        if refused and status.targetModelId == vmodel.target:
            end = status.targetModelStatus if status.HasField("targetModelStatus") else status.activeModelStatus
            end.CopyFrom(refused)
        return status

    async def delete(self, vmodel_id: str, owner: str) -> None:
        """Delete a vmodel and its references; no effect if it is absent or has another owner."""
        if not vmodel_id:
            raise invalid("Must provide vModelId")

        def delete(draft: Draft) -> None:
            vmodel = draft.vmodel(vmodel_id)
            if vmodel and owner in ("", vmodel.owner):
                for model_id in {vmodel.active, vmodel.target}:
                    _reference(draft, model_id, -1)
                draft.delete(f"vmodels/{vmodel_id}")

        await self.store.change(delete)

    def status(self, vmodel_id: str, owner: str = "") -> Any:
        """State of a vmodel in the API; NOT_FOUND if it has another owner."""
        vmodel = self.store.vmodels.get(vmodel_id)
        if vmodel is None or owner not in ("", vmodel.owner):
            return pb.VModelStatusInfo(status="NOT_FOUND")
        status = pb.VModelStatusInfo(
            status="DEFINED",
            activeModelId=vmodel.active,
            targetModelId=vmodel.target,
            activeModelStatus=self.models.status(vmodel.active),
            owner=vmodel.owner,
        )
        if vmodel.active != vmodel.target:
            status.status = (
                pb.VModelStatusInfo.TRANSITION_FAILED if vmodel.failed else pb.VModelStatusInfo.TRANSITIONING
            )
            target = self.models.status(vmodel.target)
            if not vmodel.failed and target.status != pb.ModelStatusInfo.LOADING_FAILED:
                target = pb.ModelStatusInfo(status="LOADING")  # the state that the controller expects before promotion
            status.targetModelStatus.CopyFrom(target)
        return status

    def _set(self, draft: Draft, request: Any) -> VModel:
        vmodel = draft.vmodel(request.vModelId)
        _check(vmodel, request)
        self._ensure_registered(draft, request)
        if vmodel is None:
            target = request.targetModelId
            _reference(draft, target, +1)
            vmodel = VModel(owner=request.owner or self.default_owner, active=target, target=target)
        elif request.targetModelId == vmodel.target:
            if vmodel.failed and self.models.status(vmodel.target).status != pb.ModelStatusInfo.LOADING_FAILED:
                vmodel = replace(vmodel, failed=False)  # its failure has expired: retry
            else:
                return vmodel
        else:
            vmodel = self._retarget(draft, vmodel, request.targetModelId, request.force)
        draft.put(request.vModelId, vmodel)
        return vmodel

    def _retarget(self, draft: Draft, vmodel: VModel, target: str, force: bool) -> VModel:
        if vmodel.target != vmodel.active:  # the current transition is abandoned
            _reference(draft, vmodel.target, -1)
        if target == vmodel.active:
            return replace(vmodel, target=target, failed=False)
        _reference(draft, target, +1)
        status = pb.ModelStatusInfo
        unloaded = self.models.status(vmodel.active).status not in (status.LOADED, status.LOADING)
        ready = self.models.status(target).status == status.LOADED
        if force or unloaded or ready:
            _reference(draft, vmodel.active, -1)
            return replace(vmodel, active=target, target=target, failed=False)
        return replace(vmodel, target=target, failed=False)

    def _ensure_registered(self, draft: Draft, request: Any) -> None:
        target, info = request.targetModelId, requested_info(request)
        model = draft.model(target)
        if model is None:
            if info is None:
                raise not_found(f"Target model {target} not found")
            used = registration_time(request.loadNow)
            draft.put(target, Model(info=info, auto_delete=request.autoDeleteTargetModel, last_used=used))
        elif info not in (None, model.info):
            raise already_exists(f"Target model {target} already exists with different attribute values")

    async def advance(self, model_id: str | None = None) -> None:
        """Drive the transitions (to one model) whose target this pod serves: load it, promote it or mark it failed."""
        for vmodel_id, vmodel in list(self.store.vmodels.items()):
            if vmodel.active == vmodel.target or model_id not in (None, vmodel.target):
                continue
            if vmodel.failed and self.models.status(vmodel.target).status == pb.ModelStatusInfo.LOADING_FAILED:
                continue
            try:
                copy = self.models.load(vmodel.target, last_used=now_ms())
                if copy.state is State.LOADED:
                    await self._promote(vmodel_id, vmodel.target)
                else:
                    await self._mark(vmodel_id, vmodel.target, failed=copy.state is State.FAILED)
            except NoRuntimeError:
                continue  # another pod drives it
            except (MeshError, EtcdError, ConflictError) as error:
                log.warning("transition of %s to %s waits: %s", vmodel_id, vmodel.target, error)

    async def _promote(self, vmodel_id: str, target: str) -> None:
        def promote(draft: Draft) -> bool:
            vmodel = draft.vmodel(vmodel_id)
            if vmodel is None or vmodel.target != target or vmodel.active == target:
                return False
            _reference(draft, vmodel.active, -1)
            draft.put(vmodel_id, replace(vmodel, active=target, failed=False))
            return True

        if await self.store.change(promote):
            log.info("vmodel %s is now answered by %s", vmodel_id, target)

    async def _mark(self, vmodel_id: str, target: str, *, failed: bool) -> None:
        def mark(draft: Draft) -> None:
            vmodel = draft.vmodel(vmodel_id)
            if vmodel and vmodel.target == target != vmodel.active and vmodel.failed is not failed:
                draft.put(vmodel_id, replace(vmodel, failed=failed))

        await self.store.change(mark)

    async def _settled(self, request: Any) -> None:
        def settled() -> bool:
            vmodel = self.store.vmodels.get(request.vModelId)
            if vmodel is None or vmodel.target != request.targetModelId:
                return True
            if vmodel.active != vmodel.target:
                return vmodel.failed
            loading = self.models.status(vmodel.target).status == pb.ModelStatusInfo.LOADING
            return not (request.loadNow and loading)

        await wait_until(settled)


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait up to four minutes for a condition on the mirror and the cache; only used by `sync` calls."""
    deadline = asyncio.get_running_loop().time() + _SYNC_SECONDS
    while not condition() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_SYNC_STEP)


def _check(vmodel: VModel | None, request: Any) -> None:
    name, expected = request.vModelId, request.expectedTargetModelId
    if vmodel is None:
        if request.updateOnly:
            raise not_found(f"vmodel {name} not found")
        if expected not in ("", request.targetModelId):
            raise failed_precondition(f"vmodel {name} does not exist, expected {expected}")
        return
    if request.owner not in ("", vmodel.owner):
        raise already_exists(f'vmodel {name} already exists with different owner "{vmodel.owner}"')
    if expected and vmodel.target not in (expected, request.targetModelId):
        raise failed_precondition(f"Existing target model {vmodel.target} does not match expected {expected}")


def _reference(draft: Draft, model_id: str, by: int) -> None:
    if model := draft.model(model_id):
        draft.put(model_id, model.referenced(by))
