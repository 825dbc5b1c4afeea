"""The rules for what a runtime's spec says of its pods as a whole: labels, nodes, pull secrets."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..rendering import Unknown
from .reading import Spec, at, entries
from .shapes import subdomain_problems

_ARCHITECTURE = "kubernetes.io/arch"
_ARCHITECTURES = ("amd64", "arm64")
_OWN_LABELS = (
    "modelmesh-service",
    "name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
)
"""By these the controller's Deployment, Service and network policies find the pods."""
_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}")
_LABEL_VALUE = re.compile(rf"({_NAME})?")


def label_map_problems(path: str, labels: Any) -> Iterator[str]:
    """Complains of keys and values that Kubernetes takes for no labels."""
    yield from key_problems(path, labels)
    for key, value in _known(labels):
        if not isinstance(value, Unknown) and not _LABEL_VALUE.fullmatch(str(value)):
            what = "up to 63 letters, digits, -, _ and ., with a letter or digit at each end"
            yield f"{path}.{key}: {value!r}, expected {what}"


def key_problems(path: str, values: Any) -> Iterator[str]:
    """Complains of keys that Kubernetes takes for no label or annotation."""
    for key, _ in _known(values):
        if not _KEY.fullmatch(key):
            yield f"{path}: {key!r}, expected [prefix/]name as a key, of up to 63 letters, digits, -, _ and ."


def pod_problems(spec: Spec) -> Iterator[str]:
    """Complains of pods that would not be made, would not be scheduled, or elsewhere than it was meant."""
    yield from label_map_problems("spec.labels", spec.get("labels"))
    yield from key_problems("spec.annotations", spec.get("annotations"))
    for key in _OWN_LABELS:
        if at(spec, "labels", key) is not None:
            yield f"spec.labels.{key}: {spec['labels'][key]!r}, expected none: ModelMesh finds its pods by this label"
    architecture = at(spec, "nodeSelector", _ARCHITECTURE)
    if architecture is not None and not isinstance(architecture, Unknown) and architecture not in _ARCHITECTURES:
        yield (
            f"spec.nodeSelector.{_ARCHITECTURE}: {architecture!r}, expected one of {', '.join(_ARCHITECTURES)}, "
            "ModelMesh schedules to no other"
        )
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = at(spec, "affinity", "nodeAffinity", required)
    if terms is not None and not isinstance(terms, Unknown):
        yield (
            f"spec.affinity.nodeAffinity.{required}: ModelMesh adds a term of its own, and a node needs to match only "
            "one of them, so yours would bind nothing; expected spec.nodeSelector instead"
        )
    for index, secret in entries(spec.get("imagePullSecrets")):
        if "name" in secret:
            yield from subdomain_problems(f"spec.imagePullSecrets[{index}].name", secret["name"])


def _known(values: Any) -> list[tuple[str, Any]]:
    return list(values.items()) if isinstance(values, Mapping) else []
