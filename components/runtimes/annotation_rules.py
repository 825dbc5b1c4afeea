"""The rules for the annotations of a runtime that ModelMesh reads: scaling, concurrency, and a product's ConfigMap."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..core.annotations import (
    CLASS,
    LEAST,
    LOADING_CONCURRENCY,
    METRIC,
    MODEL_CONCURRENCY,
    MOST,
    PREFIX,
    PRODUCT_CONFIG,
    UTILIZATION,
)
from ..core.names_and_quantities import choice_problems, subdomain_problems
from ..core.reading import Spec, at, entries, requested, text
from ..core.rendering import Unknown
from ..installation.serving_config import ServingConfig

_SCALING = (CLASS, METRIC, UTILIZATION, LEAST, MOST)
_PLAIN = (LOADING_CONCURRENCY, MODEL_CONCURRENCY, PRODUCT_CONFIG)
_MISTAKEN = {key.removeprefix(PREFIX): key for key in _SCALING if key != METRIC} | {PREFIX + key: key for key in _PLAIN}
"""Keys that ModelMesh does not read, and those that are meant; `metrics` alone may be anybody's."""
_METRICS = ("cpu", "memory")


def collisions(given: Mapping[str, str], typed: Mapping[str, Any]) -> list[str]:
    """Complains of annotations that a field of the spec says already."""
    return [
        f"metadata.annotations.{key}: {given[key]!r}, is said by the spec already, as {typed[key]!r}"
        for key in given
        if key in typed
    ]


def annotation_problems(document: Spec, config: ServingConfig) -> Iterator[str]:
    """Complains of what the webhook denies, and of what nothing would come of."""
    annotations, spec = document["metadata"].get("annotations") or {}, document["spec"]
    for key in annotations:
        if key in _MISTAKEN:
            yield f"metadata.annotations.{key}: ignored by ModelMesh, which reads {_MISTAKEN[key]}"
    yield from _concurrency_problems(annotations, spec)
    if PRODUCT_CONFIG in annotations:
        yield from subdomain_problems(f"metadata.annotations.{PRODUCT_CONFIG}", annotations[PRODUCT_CONFIG])
    yield from _number_problems(annotations)
    if (scaler := annotations.get(CLASS)) is None:
        for key in _SCALING[1:]:
            if key in annotations:
                yield f"metadata.annotations.{key}: {annotations[key]!r}, ignored without {CLASS}: hpa"
    elif not isinstance(scaler, Unknown) and scaler != "hpa":
        yield f"metadata.annotations.{CLASS}: {scaler!r}, expected hpa, the only class that ModelMesh admits"
    else:
        yield from _autoscaling_problems(annotations, spec, config)


def _concurrency_problems(annotations: Spec, spec: Spec) -> Iterator[str]:
    for key in (LOADING_CONCURRENCY, MODEL_CONCURRENCY):
        if key not in annotations:
            continue
        yield from _whole_number_problems(key, annotations[key], least=1)
        if at(spec, "builtInAdapter") is None:
            yield f"metadata.annotations.{key}: {annotations[key]!r}, ignored without spec.builtInAdapter"


def _number_problems(annotations: Spec) -> Iterator[str]:
    yield from _whole_number_problems(UTILIZATION, annotations.get(UTILIZATION, "1"), least=1, most=100)
    for key in (LEAST, MOST):
        yield from _whole_number_problems(key, annotations.get(key, "1"), least=1)
    least, most = (text(annotations.get(key, "1")) or "" for key in (LEAST, MOST))
    if least.isdecimal() and most.isdecimal() and int(most) < int(least):
        yield f"metadata.annotations.{MOST}: {most!r}, expected no less than {LEAST}, {least!r}"


def _whole_number_problems(key: str, value: Any, *, least: int, most: int | None = None) -> Iterator[str]:
    if isinstance(value, Unknown):
        return
    found = int(value) if isinstance(value, str) and value.isdecimal() else -1
    if found < least or (most is not None and found > most):
        yield f"metadata.annotations.{key}: {value!r}, expected a whole number, {least} " + (
            f"to {most}" if most is not None else "or more"
        )


def _autoscaling_problems(annotations: Spec, spec: Spec, config: ServingConfig) -> Iterator[str]:
    metric = annotations.get(METRIC, "cpu")
    yield from choice_problems(f"metadata.annotations.{METRIC}", metric, _METRICS)
    if metric in _METRICS:
        for index, container in entries(spec.get("containers")):
            if requested(container, metric) is None:
                yield (
                    f"spec.containers[{index}].resources.requests.{metric}: missing, "
                    "Kubernetes scales by a share of it, and without would not scale at all"
                )
    if "replicas" in spec:
        yield f"spec.replicas: {spec['replicas']!r}, expected none beside {CLASS}: hpa, which sets them"
    if not config.scale_to_zero.enabled:
        yield (
            f"metadata.annotations.{CLASS}: 'hpa', ModelMesh's controller cannot make such a runtime's first pods "
            "where scale to zero is off; turn it on in the ServingConfig, or set spec.replicas instead"
        )
