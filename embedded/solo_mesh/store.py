"""A mirror of this service's keys in etcd, and atomic changes to them.

Reads come from the mirror, which a watch keeps current, so inference never waits for etcd and continues without it.
Changes are optimistic transactions: several pods may change the same vmodel without losing a change. If etcd has lost
its data (its pod was replaced), the keys are restored from the mirror, so that the controller sees them again.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from .errors import MeshError
from .etcd import Etcd, EtcdError, KeyValue
from .records import Instance, Model, VModel

log = logging.getLogger(__name__)

LEASE_SECONDS = 15
_RETRY_SECONDS = 1.0
_ATTEMPTS = 20
_MARKER = "config/solo-mesh-store"

_RECORDS: dict[str, type[VModel | Model | Instance]] = {"vmodels": VModel, "registry": Model, "instances": Instance}

T = TypeVar("T")
Listener = Callable[[str, str], None]  # called with kind and id of the record that changed


class ConflictError(Exception):
    """Other pods kept changing the same keys."""


class Draft:
    """One transaction: the records it has read must not change before its writes are committed."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self.read: set[str] = set()
        self.written: dict[str, VModel | Model | None] = {}

    def vmodel(self, vmodel_id: str) -> VModel | None:
        """A vmodel as this transaction sees it."""
        self.read.add(key := f"vmodels/{vmodel_id}")
        record = self.written[key] if key in self.written else self._store.vmodels.get(vmodel_id)
        return record if isinstance(record, VModel) else None

    def model(self, model_id: str) -> Model | None:
        """A model as this transaction sees it."""
        self.read.add(key := f"registry/{model_id}")
        record = self.written[key] if key in self.written else self._store.models.get(model_id)
        return record if isinstance(record, Model) else None

    def put(self, item: str, record: VModel | Model) -> None:
        """Write a record under its id."""
        kind = "vmodels" if isinstance(record, VModel) else "registry"
        self.read.add(f"{kind}/{item}")
        self.written[f"{kind}/{item}"] = record

    def delete(self, key: str) -> None:
        """Delete the record of a key, `<kind>/<id>`."""
        self.written[key] = None


class Store:
    """The mirror by id: reads are direct, changes go through `change`.

    Each of the `listeners` is called for every record that changes, including changes of this pod.
    """

    def __init__(self, etcd: Etcd, root_prefix: str, key_prefix: str, service: str) -> None:
        self._etcd = etcd
        self._prefix = "/".join(part.strip("/") for part in (root_prefix, key_prefix, service) if part.strip("/")) + "/"
        self.vmodels: dict[str, VModel] = {}
        self.models: dict[str, Model] = {}
        self.instances: dict[str, Instance] = {}
        self._tables: dict[str, dict[str, Any]] = {
            "vmodels": self.vmodels,
            "registry": self.models,
            "instances": self.instances,
        }
        self._revisions: dict[str, int] = {}
        # Identifies this set of keys: if it is absent or different after a reconnection, etcd has lost its data.
        self._marker: str | None = None
        self._lease = 0
        self._published = ""
        self.listeners: list[Listener] = []

    def _known(self, key: str) -> bool:
        kind, _, item = key.partition("/")
        return item in self._tables.get(kind, {})

    async def refresh(self, key: str) -> bool:
        """Read one key from etcd itself; True if the mirror was outdated."""
        found = await self._etcd.get(self._prefix + key)
        before = self._revisions.get(key, 0) if self._known(key) else 0
        if (found.revision if found else 0) == before:
            return False
        if found:
            self._apply(key, found.value, found.revision)
        else:
            self._apply(key, None, before)
        return True

    async def change(self, make: Callable[[Draft], T]) -> T:
        """Run `make` on a draft and commit its writes; repeated with fresh records after a conflict.

        A MeshError of `make` is raised only if the records that it has read are known to be current.
        """
        for attempt in range(_ATTEMPTS):
            draft = Draft(self)
            try:
                result = make(draft)
            except MeshError:
                if attempt or not any([await self.refresh(key) for key in sorted(draft.read)]):
                    raise
                continue
            if not draft.written or await self._commit(draft):
                return result
            for key in sorted(draft.read | set(draft.written)):
                await self.refresh(key)
        raise ConflictError(f"{sorted(draft.written)}: changed by others {_ATTEMPTS} times in a row")

    async def _commit(self, draft: Draft) -> bool:
        keys = draft.read | set(draft.written)
        expected = {self._prefix + key: self._revisions[key] if self._known(key) else 0 for key in keys}
        values = {key: record.to_json() for key, record in draft.written.items() if record is not None}
        gone = [key for key, record in draft.written.items() if record is None]
        puts = {self._prefix + key: value for key, value in values.items()}
        revision = await self._etcd.commit(expected, puts, [self._prefix + key for key in gone])
        if revision is None:
            return False
        for key, value in values.items():
            self._apply(key, value.encode(), revision)
        for key in gone:
            self._apply(key, None, revision)
        return True

    async def touch(self, model_id: str) -> None:
        """Write a model's record again unchanged: the controller watches these keys and asks again."""

        def rewrite(draft: Draft) -> None:
            if model := draft.model(model_id):
                draft.put(model_id, model)

        await self.change(rewrite)

    async def connect(self, seconds: float) -> None:
        """Read all keys for the first time, trying again for so many seconds."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                self._start = await self._synchronise()
                return
            except EtcdError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                log.info("waiting for etcd: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def follow(self) -> None:
        """Keep the mirror current, forever; call `connect` first."""
        revision = self._start
        while True:
            try:
                async for event in self._etcd.watch(self._prefix, revision + 1):
                    self._apply(event.key.removeprefix(self._prefix), event.value, event.revision)
            except EtcdError as error:
                log.warning("%s; listing again", error)
            while True:
                await asyncio.sleep(_RETRY_SECONDS)
                try:
                    revision = await self._synchronise()
                    break
                except EtcdError as error:
                    log.warning("etcd is not available, serving from memory: %s", error)

    async def _synchronise(self) -> int:
        """Update the mirror from etcd, or etcd from the mirror if it has lost its data; returns the revision."""
        found, revision = await self._list()
        marker = found.get(_MARKER)
        lost = self._marker is not None and (marker is None or marker.value.decode() != self._marker)
        if lost:
            await self._restore(found)
        if marker is None:  # last, so that an interrupted restore is resumed
            name = self._marker or uuid.uuid4().hex
            await self._etcd.commit({self._prefix + _MARKER: 0}, {self._prefix + _MARKER: name})
        if lost or marker is None:
            found, revision = await self._list()
        self._marker = found[_MARKER].value.decode()
        known = {f"{kind}/{item}" for kind, table in self._tables.items() for item in table}
        for key in known - set(found):
            if lost or self._revisions.get(key, 0) <= revision:
                self._apply(key, None, self._revisions.get(key, 0))
        if lost:
            self._revisions = {}
        for key, kv in found.items():
            self._apply(key, kv.value, kv.revision)
        return revision

    async def _restore(self, found: Mapping[str, KeyValue]) -> None:
        lost = {
            key: record.to_json()
            for kind in ("vmodels", "registry")
            for item, record in self._tables[kind].items()
            if (key := f"{kind}/{item}") not in found
        }
        log.warning("etcd has lost its data; restoring %d keys", len(lost))
        for key, value in sorted(lost.items()):  # models ("registry/") before the vmodels that refer to them
            await self._etcd.commit({self._prefix + key: 0}, {self._prefix + key: value})

    async def _list(self) -> tuple[dict[str, KeyValue], int]:
        kvs, revision = await self._etcd.list(self._prefix)
        return {kv.key.removeprefix(self._prefix): kv for kv in kvs}, revision

    def _apply(self, key: str, value: bytes | None, revision: int) -> None:
        if revision < self._revisions.get(key, 0) or (revision == self._revisions.get(key) and value is not None):
            return  # this pod's own write, or an event older than the mirror
        self._revisions[key] = revision
        kind, _, item = key.partition("/")
        if (table := self._tables.get(kind)) is None:
            return
        if value is None:
            if table.pop(item, None) is None:
                return
        else:
            try:
                table[item] = _RECORDS[kind].from_json(value)
            except (ValueError, KeyError, TypeError) as error:
                log.error("%s%s: unknown record (%s); ignored", self._prefix, key, error)
                return
        for listener in self.listeners:
            listener(kind, item)

    async def publish(self, instance_id: str, instance: Instance) -> None:
        """Keep this pod's leased record in etcd: renew it, write changes, and restore it when it is missing."""
        key, value = self._prefix + f"instances/{instance_id}", instance.to_json()
        if not self._lease or not await self._etcd.keep_alive(self._lease):
            self._lease = await self._etcd.grant(LEASE_SECONDS)
            self._published = ""
        if value != self._published:
            await self._etcd.commit({}, {key: value}, lease=self._lease)
            self._published = value

    async def withdraw(self) -> None:
        """Delete this pod's record at once; without etcd it expires with the lease."""
        if self._lease:
            with suppress(EtcdError):
                await self._etcd.revoke(self._lease)
