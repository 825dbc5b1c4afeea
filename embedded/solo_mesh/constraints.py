"""The mounted ConfigMap: labels that each model type requires, and the position of the model id in requests.

Each query checks whether the file has changed, since a runtime added later changes it under a running pod. The kubelet
may take over a minute for that. Until then this pod refuses the type, as ModelMesh does, even if a newer pod would
serve it, so that a stack that would fail with ModelMesh fails here too.
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
    """Position of the model id in a method's request, as a path of protobuf field numbers, and the kind of the id."""

    path: tuple[int, ...]
    vmodel: bool


class _JsonFile:
    """JSON object in a file that may be replaced at any time; keeps the last readable content."""

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
            log.error("%s: %s; keeping the last readable content", self._path, error)
        return self._content


class TypeConstraints:
    """Labels that each model type requires."""

    def __init__(self, path: Path) -> None:
        self._file = _JsonFile(path)

    def required(self, model_type: str) -> list[str]:
        """Labels a pod needs for this type according to the file; an unlisted type has the default's."""
        constraints = self._file.read()
        entry = constraints.get(model_type, constraints.get("_default", {}))
        return list(entry.get("required", ()))

    def met(self, model_type: str, labels: frozenset[str]) -> bool:
        """Whether a pod with these labels serves the type according to the file."""
        return labels.issuperset(self.required(model_type))


class DataplaneConfig:
    """Position of the model id in requests of each method, and the permitted methods."""

    def __init__(self, path: Path) -> None:
        self._file = _JsonFile(path)

    def id_field(self, method: str) -> IdField | None:
        """Position of the id in requests of this method (`package.Service/Method`), if it is configured."""
        entry = self._file.read().get("rpcConfigs", {}).get(method, {})
        path = entry.get("idExtractionPath", ())
        return IdField(tuple(path), entry.get("vModelId", False)) if path else None

    def allows(self, method: str) -> bool:
        """Whether a method may be called."""
        config = self._file.read()
        return method in config.get("rpcConfigs", {}) or config.get("allowOtherRpcs", True)
