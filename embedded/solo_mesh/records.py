"""Records in etcd below `<root prefix>/mm/<service>/`, in ModelMesh's JSON.

vmodels/<id>    the name that clients use → the model that answers (active) and the next one (target)
registry/<id>   a concrete model: its location, the pods that hold it, and those that failed to load it
instances/<id>  a pod, leased; `addr` is an addition by which peers find it
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self


@dataclass(frozen=True)
class ModelInfo:
    """Loading parameters of a model, which are passed to the runtime unread."""

    type: str
    path: str = ""
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A concrete model."""

    info: ModelInfo
    auto_delete: bool = False
    loaded: Mapping[str, int] = field(default_factory=dict)  # instance → time, ms since the epoch
    failed: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    refs: int = 0  # number of vmodel ends (active, target) that refer to this model
    last_used: int = 0  # ms since the epoch

    def referenced(self, by: int) -> Self:
        """Copy of the record with a changed number of references."""
        return replace(self, refs=max(0, self.refs + by))

    def to_json(self) -> str:
        """JSON of the record in etcd."""
        fields: dict[str, Any] = {"type": self.info.type, "encKey": self.info.key, "mPath": self.info.path}
        if self.auto_delete:
            fields["autoDel"] = True
        if self.loaded:
            fields["instanceIds"] = dict(self.loaded)
        if self.failed:
            fields["failedIn"] = dict(self.failed)
            fields["fails"] = {instance: {"msg": text} for instance, text in self.errors.items()}
        return _dump(fields | {"refs": self.refs, "lu": self.last_used})

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Parse a record; malformed JSON causes a ValueError or KeyError."""
        data = json.loads(text)
        return cls(
            info=ModelInfo(data["type"], data.get("mPath", ""), data.get("encKey", "")),
            auto_delete=data.get("autoDel", False),
            loaded=data.get("instanceIds", {}),
            failed=data.get("failedIn", {}),
            errors={instance: failure.get("msg", "") for instance, failure in data.get("fails", {}).items()},
            refs=data.get("refs", 0),
            last_used=data.get("lu", 0),
        )


@dataclass(frozen=True, kw_only=True)
class VModel:
    """A model name that clients use."""

    owner: str
    active: str
    target: str
    failed: bool = False

    def to_json(self) -> str:
        """JSON of the record in etcd."""
        fields = {"o": self.owner, "amid": self.active, "tmid": self.target}
        return _dump(fields | ({"failed": True} if self.failed else {}))

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Parse a record; malformed JSON causes a ValueError or KeyError."""
        data = json.loads(text)
        return cls(
            owner=data.get("o", ""),
            active=data["amid"],
            target=data["tmid"],
            failed=data.get("failed", False),
        )


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A pod; times and last use are in ms since the epoch."""

    started: int = 0
    host: str = ""
    address: str = ""
    labels: frozenset[str] = frozenset()
    actionable: bool = False  # accepts calls forwarded by peers
    capacity: int = 0  # units of 8 KiB
    used: int = 0
    count: int = 0
    oldest_use: int = 0

    def to_json(self) -> str:
        """JSON of the record in etcd."""
        fields = {key: getattr(self, name) for name, key in _INSTANCE_KEYS.items()}
        return _dump(fields | {"labels": sorted(self.labels), "lThreads": 1})

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Parse a record; malformed JSON causes a ValueError."""
        data = json.loads(text)
        fields = {name: data[key] for name, key in _INSTANCE_KEYS.items() if key in data}
        return cls(**{**fields, "labels": frozenset(data.get("labels", ()))})


_INSTANCE_KEYS = {
    "started": "startTime",
    "host": "loc",
    "address": "addr",
    "labels": "labels",
    "actionable": "actionable",
    "oldest_use": "lruTime",
    "count": "count",
    "capacity": "cap",
    "used": "used",
}
"""Names of an instance's fields in JSON."""


def _dump(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"))
