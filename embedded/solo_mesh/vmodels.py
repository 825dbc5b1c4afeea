"""Vmodels: the stable names that clients use, each with its active model and its target model.

A new target is loaded first while the active model keeps answering; then it is promoted, or the vmodel is marked as
failed. Both are written to etcd, where the controller sees them. Every pod that serves the target's type drives the
transition; transactions make that safe.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from .cache import Cache, State, now_ms
from .errors import MeshError, already_exists, failed_precondition, invalid, not_found
from .etcd import EtcdError
from .models import Models, ModelStatus, NoRuntimeError, Status, registration_time
from .records import Model, ModelInfo, VModel
from .store import ConflictError, Draft, Store

log = logging.getLogger(__name__)

_SYNC_SECONDS = 240.0
_SYNC_STEP = 0.02


class Transition(Enum):
    """The values of `VModelStatusInfo.VModelStatus`, by name."""

    NOT_FOUND = 0
    DEFINED = 1
    TRANSITIONING = 2
    TRANSITION_FAILED = 3


@dataclass(frozen=True)
class VModelStatus:
    """State of a vmodel in the API."""

    transition: Transition
    active: str = ""
    target: str = ""
    active_status: ModelStatus | None = None
    target_status: ModelStatus | None = None  # only if it differs from the active model
    owner: str = ""


@dataclass(frozen=True, kw_only=True)
class SetRequest:
    """Fields of a setVModel request."""

    vmodel: str
    target: str
    owner: str = ""
    info: ModelInfo | None = None
    auto_delete: bool = False
    load_now: bool = False
    update_only: bool = False
    force: bool = False
    sync: bool = False
    expected_target: str = ""


class VModels:
    """Vmodels of the service."""

    def __init__(self, store: Store, cache: Cache, models: Models, default_owner: str) -> None:
        self._store = store
        self._cache = cache
        self._models = models
        self._default_owner = default_owner

    # Management API ---------------------------------------------------------------------------------------------

    async def set(self, request: SetRequest) -> VModelStatus:
        """Create a vmodel or give it a new target; idempotent.

        Raises:
            MeshError: The request is invalid or contradicts existing records.
        """
        if not request.vmodel:
            raise invalid("Must provide vModelId")
        if not request.target:
            raise invalid("Must provide targetModelId")
        if request.info and not request.info.type:
            raise invalid("Must provide non-empty model type string")
        vmodel = await self._store.change(lambda draft: self._set(draft, request))
        refused: ModelStatus | None = None
        if request.load_now or vmodel.active != vmodel.target:
            moving = vmodel.active != vmodel.target
            used = now_ms() if moving else registration_time(load_now=True)
            after = self._models.ensure_loaded(vmodel.target, last_used=used)
            if after.status is Status.LOADING_FAILED and not after.copies:
                refused = after  # no pod serves the type: reported in this answer only
        if refused and vmodel.active != vmodel.target:
            await self._mark(request.vmodel, vmodel.target, failed=True)
        if request.sync and not refused:
            await self._settled(request)
        status = self.status(request.vmodel)
        if refused and status.target == vmodel.target:
            if status.target_status:
                return replace(status, target_status=refused)
            return replace(status, active_status=refused)
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
                draft.delete_vmodel(vmodel_id)

        await self._store.change(delete)

    def status(self, vmodel_id: str, owner: str = "") -> VModelStatus:
        """State of a vmodel; NOT_FOUND if it has another owner."""
        vmodel = self._store.vmodel(vmodel_id)
        if vmodel is None or owner not in ("", vmodel.owner):
            return VModelStatus(Transition.NOT_FOUND)
        active = self._models.status(vmodel.active)
        if vmodel.active == vmodel.target:
            return VModelStatus(Transition.DEFINED, vmodel.active, vmodel.target, active, None, vmodel.owner)
        target = self._models.status(vmodel.target)
        if not vmodel.failed and target.status is not Status.LOADING_FAILED:
            target = ModelStatus(Status.LOADING)  # the state that the controller expects before promotion
        transition = Transition.TRANSITION_FAILED if vmodel.failed else Transition.TRANSITIONING
        return VModelStatus(transition, vmodel.active, vmodel.target, active, target, vmodel.owner)

    # The rules of setVModel -------------------------------------------------------------------------------------

    def _set(self, draft: Draft, request: SetRequest) -> VModel:
        vmodel = draft.vmodel(request.vmodel)
        _check(vmodel, request)
        self._ensure_registered(draft, request)
        if vmodel is None:
            _reference(draft, request.target, +1)
            vmodel = VModel(owner=request.owner or self._default_owner, active=request.target, target=request.target)
        elif request.target == vmodel.target:
            if vmodel.failed and self._models.status(vmodel.target).status is not Status.LOADING_FAILED:
                vmodel = replace(vmodel, failed=False)  # its failure has expired: retry
            else:
                return vmodel
        else:
            vmodel = self._retarget(draft, vmodel, request)
        draft.put(request.vmodel, vmodel)
        return vmodel

    def _retarget(self, draft: Draft, vmodel: VModel, request: SetRequest) -> VModel:
        if vmodel.target != vmodel.active:  # the current transition is abandoned
            _reference(draft, vmodel.target, -1)
        if request.target == vmodel.active:
            return replace(vmodel, target=vmodel.active, failed=False)
        _reference(draft, request.target, +1)
        unloaded = self._models.status(vmodel.active).status not in (Status.LOADED, Status.LOADING)
        ready = self._models.status(request.target).status is Status.LOADED
        if request.force or unloaded or ready:
            _reference(draft, vmodel.active, -1)
            return replace(vmodel, active=request.target, target=request.target, failed=False)
        return replace(vmodel, target=request.target, failed=False)

    def _ensure_registered(self, draft: Draft, request: SetRequest) -> None:
        model = draft.model(request.target)
        if model is None and request.info is None:
            raise not_found(f"Target model {request.target} not found")
        if model is None:
            assert request.info is not None
            used = registration_time(request.load_now)
            draft.put(request.target, Model(info=request.info, auto_delete=request.auto_delete, last_used=used))
        elif request.info not in (None, model.info):
            raise already_exists(f"Target model {request.target} already exists with different attribute values")

    # Transitions ------------------------------------------------------------------------------------------------

    async def advance(self, model_id: str | None = None) -> None:
        """Drive the transitions (to one model) whose target this pod serves: load it, promote it or mark it failed."""
        for vmodel_id, vmodel in list(self._store.vmodels.items()):
            if vmodel.active == vmodel.target or model_id not in (None, vmodel.target):
                continue
            if vmodel.failed and self._models.status(vmodel.target).status is Status.LOADING_FAILED:
                continue
            try:
                copy = self._models.load(vmodel.target, last_used=now_ms())
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

        if await self._store.change(promote):
            log.info("vmodel %s is now answered by %s", vmodel_id, target)

    async def _mark(self, vmodel_id: str, target: str, *, failed: bool) -> None:
        def mark(draft: Draft) -> None:
            vmodel = draft.vmodel(vmodel_id)
            if vmodel and vmodel.target == target != vmodel.active and vmodel.failed is not failed:
                draft.put(vmodel_id, replace(vmodel, failed=failed))

        await self._store.change(mark)

    async def _settled(self, request: SetRequest) -> None:
        def settled() -> bool:
            vmodel = self._store.vmodel(request.vmodel)
            if vmodel is None or vmodel.target != request.target:
                return True
            if vmodel.active != vmodel.target:
                return vmodel.failed
            return not request.load_now or self._models.status(vmodel.target).status is not Status.LOADING

        await wait_until(settled)


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait up to four minutes for a condition on the mirror and the cache; only used by `sync` calls."""
    deadline = asyncio.get_running_loop().time() + _SYNC_SECONDS
    while not condition() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_SYNC_STEP)


def _check(vmodel: VModel | None, request: SetRequest) -> None:
    if vmodel is None:
        if request.update_only:
            raise not_found(f"vmodel {request.vmodel} not found")
        if request.expected_target not in ("", request.target):
            raise failed_precondition(f"vmodel {request.vmodel} does not exist, expected {request.expected_target}")
        return
    if request.owner not in ("", vmodel.owner):
        raise already_exists(f'vmodel {request.vmodel} already exists with different owner "{vmodel.owner}"')
    if request.expected_target and vmodel.target not in (request.expected_target, request.target):
        raise failed_precondition(
            f"Existing target model {vmodel.target} does not match expected {request.expected_target}"
        )


def _reference(draft: Draft, model_id: str, by: int) -> None:
    if model := draft.model(model_id):
        draft.put(model_id, model.referenced(by))
