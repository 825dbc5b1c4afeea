"""What stands in etcd: the three kinds of record below `<root prefix>/mm/<service>/`, in ModelMesh's own JSON.

vmodels/<id>    the name clients use → the model that answers (active) and the one that shall (target)
registry/<id>   a concrete model: where it lies, who holds it, who failed to load it
instances/<id>  a pod, leased; `addr` is our addition, by which peers find it
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self


@dataclass(frozen=True)
class ModelInfo:
    """What the runtime needs to load a model; passed through unread."""

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
    refs: int = 0  # how many vmodel ends (active, target) point here
    last_used: int = 0  # ms since the epoch

    def referenced(self, by: int) -> Self:
        """The same with more or fewer references."""
        return replace(self, refs=max(0, self.refs + by))

    def to_json(self) -> str:
        """As it stands in etcd."""
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
        """From what stands in etcd; raises ValueError, KeyError."""
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
    """A name that clients use."""

    owner: str
    active: str
    target: str
    failed: bool = False

    def to_json(self) -> str:
        """As it stands in etcd."""
        fields = {"o": self.owner, "amid": self.active, "tmid": self.target}
        return _dump(fields | ({"failed": True} if self.failed else {}))

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """From what stands in etcd; raises ValueError, KeyError."""
        data = json.loads(text)
        return cls(
            owner=data.get("o", ""),
            active=data["amid"],
            target=data["tmid"],
            failed=data.get("failed", False),
        )


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A pod. Time and use in ms since the epoch."""

    started: int
    host: str
    address: str
    labels: frozenset[str]
    actionable: bool  # takes calls handed over by peers
    capacity: int = 0  # units of 8 KiB
    used: int = 0
    count: int = 0
    oldest_use: int = 0
    loading_threads: int = 1

    def to_json(self) -> str:
        """As it stands in etcd."""
        return _dump(
            {
                "startTime": self.started,
                "loc": self.host,
                "addr": self.address,
                "labels": sorted(self.labels),
                "actionable": self.actionable,
                "lruTime": self.oldest_use,
                "count": self.count,
                "cap": self.capacity,
                "used": self.used,
                "lThreads": self.loading_threads,
            }
        )

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """From what stands in etcd; raises ValueError."""
        data = json.loads(text)
        return cls(
            started=data.get("startTime", 0),
            host=data.get("loc", ""),
            address=data.get("addr", ""),
            labels=frozenset(data.get("labels", ())),
            actionable=data.get("actionable", False),
            capacity=data.get("cap", 0),
            used=data.get("used", 0),
            count=data.get("count", 0),
            oldest_use=data.get("lruTime", 0),
            loading_threads=data.get("lThreads", 1),
        )


def _dump(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"))
