"""Concrete models: their state, loading them in this pod, and keeping their records in etcd current.

The state of a model is derived from this pod's copy and from what other living pods wrote into its record, so any pod
can answer, while only a pod that serves the type acts.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from . import metrics
from .cache import Cache, Copy, State, now_ms
from .constraints import TypeConstraints
from .errors import not_found
from .etcd import EtcdError
from .records import ModelInfo
from .settings import Settings
from .store import ConflictError, Draft, Store
from .wire import mmesh as pb

log = logging.getLogger(__name__)

_GARBAGE_AFTER_MS = 1000
_HOUR_MS = 3_600_000


class NoRuntimeError(Exception):
    """No pod serves this type of model. The controller parses the message, which must not change."""

    def __init__(self, model_type: str, required: Iterable[str]) -> None:
        super().__init__(
            "There are no running instances that meet the label requirements of type"
            f" {model_type}: [{', '.join(required)}]"
        )


class Models:
    """Models of the service, as seen by this pod."""

    def __init__(self, store: Store, cache: Cache, constraints: TypeConstraints, settings: Settings) -> None:
        self._store = store
        self._cache = cache
        self._constraints = constraints
        self._me, self._labels = settings.instance, settings.labels
        self._unreferenced: dict[str, int] = {}  # model → when it was first seen without a reference
        self._announced: set[str] = set()  # types whose waiting models have been touched
        self._changed: asyncio.Queue[str] = asyncio.Queue()

    def serves(self, model_type: str) -> bool:
        """Whether this pod serves a type."""
        return self._constraints.met(model_type, self._labels)

    def no_runtime(self, model_type: str) -> NoRuntimeError:
        """Error for a type that no pod serves."""
        return NoRuntimeError(model_type, self._constraints.required(model_type))

    def status(self, model_id: str) -> Any:
        """State of a model in the API, from this pod's copy and from what living pods wrote into its record."""
        model, copy = self._store.models.get(model_id), self._cache.copies.get(model_id)
        if model is None:
            return pb.ModelStatusInfo(status="NOT_FOUND")
        holders, failures = self._living(model.loaded), self._living(model.failed)
        errors = [model.errors.get(pod, "") for pod, _ in failures]
        own = [(self._me, copy.since)] if copy else []
        # Like the real server, list a copy that exists or is about to exist as UNKNOWN.
        if copy and copy.state is State.LOADED:
            return _status("LOADED", own + holders, "UNKNOWN")
        if holders:
            return _status("LOADED", holders, "UNKNOWN")
        if copy and copy.state is not State.FAILED:
            return _status("LOADING", own, "UNKNOWN")
        if copy:
            errors = [copy.error, *errors]
        if own or failures:
            return _status("LOADING_FAILED", own + failures, "LOADING_FAILED", errors)
        return pb.ModelStatusInfo(status="NOT_LOADED")

    def _living(self, pods: Mapping[str, int]) -> list[tuple[str, int]]:
        """Entries of other pods that are still alive."""
        living = self._store.instances
        return [(pod, at) for pod, at in pods.items() if pod != self._me and pod in living]

    def load(self, model_id: str, *, last_used: int, urgent: bool = False) -> Copy:
        """This pod's copy, loaded if necessary; a NoRuntimeError says that this pod does not serve the type."""
        model = self._store.models.get(model_id)
        if model is None:
            raise not_found("model not found")
        if not self.serves(model.info.type):
            raise self.no_runtime(model.info.type)
        return self._cache.load(model_id, model.info, last_used=last_used, urgent=urgent)

    def ensure_loaded(self, model_id: str, *, last_used: int) -> Any:
        """Start loading unless a living pod holds the model, and return its new status."""
        if self.status(model_id).status != pb.ModelStatusInfo.LOADED:
            try:
                self.load(model_id, last_used=last_used)
            except NoRuntimeError as error:
                return pb.ModelStatusInfo(status="LOADING_FAILED", errors=[str(error)])
        return self.status(model_id)

    async def preload(self, seconds: float) -> None:
        """Load the models that pods held last, most recently used first, so that no request waits after a takeover.

        Returns after all loads or the given number of seconds; the remaining loads continue.
        """
        held = [(key, model) for key, model in self._store.models.items() if model.loaded]
        held = [(key, model) for key, model in held if self.serves(model.info.type)]
        held.sort(key=lambda item: item[1].last_used, reverse=True)
        copies = [self.load(key, last_used=model.last_used) for key, model in held[: self._cache.room]]
        if copies:
            log.info("loading %d models that were loaded before", len(copies))
            await asyncio.wait([copy.settled for copy in copies], timeout=seconds)

    def changed(self, model_id: str) -> None:
        """Schedule the record of a model for writing after its copy was added, removed or has failed."""
        self._changed.put_nowait(model_id)

    async def run(self) -> None:
        """Write the records of changed copies, forever."""
        while True:
            model_id = await self._changed.get()
            try:
                await self._store.change(partial(self._record, model_id))
            except (EtcdError, ConflictError) as error:
                log.warning("record of %s not written, trying again: %s", model_id, error)
                await asyncio.sleep(1)
                self.changed(model_id)

    def _record(self, model_id: str, draft: Draft) -> None:
        if (model := draft.model(model_id)) is None:
            return
        copy = self._cache.copies.get(model_id)
        loaded, failed = dict(self._living(model.loaded)), dict(self._living(model.failed))
        errors = {pod: text for pod, text in model.errors.items() if pod in failed}
        if copy and copy.state is State.LOADED:
            loaded[self._me] = copy.since
        elif copy and copy.state is State.FAILED:
            failed[self._me], errors[self._me] = copy.since, copy.error
        elif copy:
            return  # still in progress; the outcome will be written
        used = copy.last_used if copy else model.last_used
        draft.put(model_id, replace(model, loaded=loaded, failed=failed, errors=errors, last_used=used))

    def forgotten(self, model_id: str) -> None:
        """Handle the deletion of a model's record from etcd."""
        if self._store.models.get(model_id) is None:
            self._cache.drop(model_id)

    async def tidy(self) -> None:
        """Expire failures, delete unreferenced models and announce newly served types; runs once a second."""
        self._cache.forget_failures()
        await self._collect_garbage()
        await self._announce()
        models = self._store.models
        metrics.MODELS_MANAGED.set(len(models))
        metrics.MODELS_LOADED.set(sum(bool(model.loaded) for model in models.values()))
        metrics.MODELS_FAILED.set(sum(bool(model.failed) for model in models.values()))

    async def _collect_garbage(self) -> None:
        # Deferred: requests sent to the model before it lost its last reference may still arrive.
        garbage = {key for key, model in self._store.models.items() if model.auto_delete and not model.refs}
        self._unreferenced = {key: self._unreferenced.get(key, now_ms()) for key in garbage}

        def delete(model_id: str, draft: Draft) -> None:
            model = draft.model(model_id)
            if model and model.auto_delete and not model.refs:
                draft.delete(f"registry/{model_id}")

        for key, seen in self._unreferenced.items():
            if now_ms() - seen >= _GARBAGE_AFTER_MS:
                await self._store.change(partial(delete, key))

    async def _announce(self) -> None:
        """Handle models that no pod could serve before this pod started or this type's constraints changed.

        Those without a state are touched, so that the controller asks again; those that failed elsewhere are retried.
        ModelMesh is slower, as a task of its leader loads them every seven minutes. Whether a stack makes the
        controller ask too early must therefore be tested by what the pod had mounted, not by duration.
        """
        models = dict(self._store.models)
        served = {model.info.type for model in models.values() if self.serves(model.info.type)}
        for key in [key for key, model in models.items() if model.info.type in served - self._announced]:
            match self.status(key).status:
                case pb.ModelStatusInfo.NOT_LOADED:
                    await self._store.touch(key)
                case pb.ModelStatusInfo.LOADING_FAILED:
                    self.load(key, last_used=models[key].last_used)
        self._announced |= served


def registration_time(load_now: bool) -> int:
    """Initial `last used` of a registered model: older than models in use, so that it does not evict them."""
    return now_ms() - (1 if load_now else 6) * _HOUR_MS


def requested_info(request: Any) -> ModelInfo | None:
    """Loading parameters in a request, if it has any."""
    info = request.modelInfo
    return ModelInfo(info.type, info.path, info.key) if request.HasField("modelInfo") else None


def _status(status: str, copies: list[tuple[str, int]], copy_status: str, errors: Iterable[str] = ()) -> Any:
    newest_first = sorted(copies, key=lambda copy: -copy[1])
    infos = [
        pb.ModelStatusInfo.ModelCopyInfo(location=pod, copyStatus=copy_status, time=at) for pod, at in newest_first
    ]
    return pb.ModelStatusInfo(status=status, errors=errors, modelCopyInfos=infos)
