"""The mounted ConfigMap: which labels each type of model needs, and where requests carry the model's id.

Read anew whenever the file has changed, looked at on each question, because a runtime added later changes it
under a running pod. kubelet may take over a minute for that, and until then this pod refuses the type, although a
newer pod would serve it: ModelMesh judges by the file alone, so a stack that would fail there has to fail here.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class IdField:
    """Where a method's request carries the id: path of protobuf field numbers; and whether it names a vmodel."""

    path: tuple[int, ...]
    vmodel: bool


class _JsonFile:
    """A JSON object in a file that may be replaced at any time; keeps the last readable content."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._content: Mapping[str, Any] = {}

    def read(self) -> Mapping[str, Any]:
        try:
            status = self._path.stat()
            if (seen := (status.st_mtime_ns, status.st_ino)) != self._seen:
                self._content = json.loads(self._path.read_text())
                self._seen = seen
                log.info("read %s: %s", self._path, ", ".join(self._content))
        except (OSError, ValueError) as error:
            log.error("%s: %s; going on with what was read before", self._path, error)
        return self._content


class TypeConstraints:
    """Which labels each type of model needs."""

    def __init__(self, path: Path) -> None:
        self._file = _JsonFile(path)

    def required(self, model_type: str) -> list[str]:
        """Labels a pod needs for this type, by the file alone; an unlisted type has the default's."""
        constraints = self._file.read()
        entry = constraints.get(model_type, constraints.get("_default", {}))
        return list(entry.get("required", ()))

    def met(self, model_type: str, labels: frozenset[str]) -> bool:
        """Whether a pod with these labels serves the type, by the file alone."""
        return labels.issuperset(self.required(model_type))


class DataplaneConfig:
    """Where requests of each method carry the id of the model, and which methods are let through."""

    def __init__(self, path: Path) -> None:
        self._file = _JsonFile(path)

    def id_field(self, method: str) -> IdField | None:
        """Where this method (`package.Service/Method`) carries the id, if the config says so."""
        entry = self._file.read().get("rpcConfigs", {}).get(method, {})
        path = entry.get("idExtractionPath", ())
        return IdField(tuple(path), entry.get("vModelId", False)) if path else None

    def allows(self, method: str) -> bool:
        """Whether a method may be called at all."""
        config = self._file.read()
        return method in config.get("rpcConfigs", {}) or config.get("allowOtherRpcs", True)
