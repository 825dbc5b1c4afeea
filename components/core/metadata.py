"""The rules for labels and annotations, of objects and of the pods that ModelMesh makes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .mesh_pod import LABELS
from .names_and_quantities import is_subdomain
from .rendering import Unknown

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def label_map_problems(path: str, labels: Any) -> Iterator[str]:
    """Complains of keys and values that Kubernetes takes for no labels."""
    yield from key_problems(path, labels)
    for key, value in _known(labels):
        if not isinstance(value, Unknown) and str(value) and not _NAME.fullmatch(str(value)):
            what = "up to 63 letters, digits, -, _ and ., with a letter or digit at each end"
            yield f"{path}.{key}: {value!r}, expected {what}"


def pod_label_problems(path: str, labels: Any) -> Iterator[str]:
    """The same, and of labels that pods have already."""
    yield from label_map_problems(path, labels)
    for key, value in _known(labels):
        if key in LABELS:
            yield f"{path}.{key}: {value!r}, expected none: ModelMesh finds its pods by this label"


def key_problems(path: str, values: Any) -> Iterator[str]:
    """Complains of keys that Kubernetes takes for no label or annotation."""
    for key, _ in _known(values):
        prefix, slash, name = str(key).rpartition("/")
        if not _NAME.fullmatch(name) or (slash and not is_subdomain(prefix)):
            yield f"{path}: {key!r}, expected [domain/]name as a key, the name of up to 63 letters, digits, -, _ and ."


def _known(values: Any) -> list[tuple[Any, Any]]:
    return list(values.items()) if isinstance(values, Mapping) else []
