"""Checks of labels and annotations, of objects and of the pods that ModelMesh creates."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .mesh_pod import LABELS
from .names_and_quantities import is_subdomain
from .problem import FieldPath, Problem
from .rendering import Unknown

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_FORM = "up to 63 letters, digits, -, _ and ., with a letter or digit at each end"


def label_map_problems(path: FieldPath, labels: Any) -> Iterator[Problem]:
    """Checks the keys and values of labels."""
    yield from key_problems(path, labels)
    for key, value in _items(labels):
        if not isinstance(value, Unknown) and str(value) and not _NAME.fullmatch(str(value)):
            yield Problem(path / key, value, _FORM)


def pod_label_problems(path: FieldPath, labels: Any) -> Iterator[Problem]:
    """Checks labels for pods, which must not include those that ModelMesh sets."""
    yield from label_map_problems(path, labels)
    for key, value in _items(labels):
        if key in LABELS:
            yield Problem(path / key, value, "none: ModelMesh finds its pods by this label")


def key_problems(path: FieldPath, values: Any) -> Iterator[Problem]:
    """Checks the keys of labels or annotations."""
    for key, _ in _items(values):
        prefix, slash, name = str(key).rpartition("/")
        if not _NAME.fullmatch(name) or (slash and not is_subdomain(prefix)):
            yield Problem(path, key, f"[domain/]name as a key, the name of {_FORM}")


def _items(values: Any) -> list[tuple[Any, Any]]:
    return list(values.items()) if isinstance(values, Mapping) else []
