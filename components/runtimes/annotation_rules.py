"""Checks of a runtime's annotations that ModelMesh reads: scaling, concurrency, and the product's ConfigMap."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..core import annotations as keys
from ..core.names_and_quantities import choice_problems, subdomain_problems
from ..core.problem import MISSING, FieldPath, Problem
from ..core.reading import Spec, at, entries, requested, text
from ..core.rendering import Unknown
from ..installation.serving_config import ServingConfig

_ANNOTATIONS = FieldPath("metadata", "annotations")
_SCALING = (keys.CLASS, keys.METRIC, keys.UTILIZATION, keys.LEAST, keys.MOST)
_UNPREFIXED = (keys.LOADING_CONCURRENCY, keys.MODEL_CONCURRENCY, keys.PRODUCT_CONFIG)
_MISTAKEN = {key.removeprefix(keys.PREFIX): key for key in _SCALING if key != keys.METRIC}
_MISTAKEN |= {keys.PREFIX + key: key for key in _UNPREFIXED}
"""Keys with a wrong prefix, and the right keys; `metrics` is missing, since other programs may use that name."""
_METRICS = ("cpu", "memory")


def collisions(given: Mapping[str, str], typed: Mapping[str, Any]) -> list[Problem]:
    """Check that no annotation repeats a field of the spec."""
    return [
        Problem(_ANNOTATIONS / key, given[key], f"none: a field of the spec sets it to {typed[key]!r}")
        for key in given
        if key in typed
    ]


def annotation_problems(document: Spec, config: ServingConfig) -> Iterator[Problem]:
    """Check annotations, for values that the webhook denies or that have no effect."""
    annotations, spec = document["metadata"].get("annotations") or {}, document["spec"]
    for key, value in annotations.items():
        if key in _MISTAKEN:
            expected = f"the key {_MISTAKEN[key]}, which ModelMesh reads instead"
            yield Problem(_ANNOTATIONS / key, value, expected, ignored=True)
    yield from _concurrency_problems(annotations, spec)
    if keys.PRODUCT_CONFIG in annotations:
        yield from subdomain_problems(_ANNOTATIONS / keys.PRODUCT_CONFIG, annotations[keys.PRODUCT_CONFIG])
    yield from _number_problems(annotations)
    if (scaler := annotations.get(keys.CLASS)) is None:
        for key in _SCALING[1:]:
            if key in annotations:
                yield Problem(_ANNOTATIONS / key, annotations[key], f"none without {keys.CLASS}: hpa", ignored=True)
    elif not isinstance(scaler, Unknown) and scaler != "hpa":
        yield Problem(_ANNOTATIONS / keys.CLASS, scaler, "hpa, the only class that ModelMesh admits")
    else:
        yield from _autoscaling_problems(annotations, spec, config)


def _concurrency_problems(annotations: Spec, spec: Spec) -> Iterator[Problem]:
    for key in (keys.LOADING_CONCURRENCY, keys.MODEL_CONCURRENCY):
        if key not in annotations:
            continue
        yield from _whole_number_problems(key, annotations[key])
        if at(spec, "builtInAdapter") is None:
            yield Problem(_ANNOTATIONS / key, annotations[key], "none without spec.builtInAdapter", ignored=True)


def _number_problems(annotations: Spec) -> Iterator[Problem]:
    yield from _whole_number_problems(keys.UTILIZATION, annotations.get(keys.UTILIZATION, "1"), most=100)
    for key in (keys.LEAST, keys.MOST):
        yield from _whole_number_problems(key, annotations.get(key, "1"))
    least, most = (text(annotations.get(key, "1")) or "" for key in (keys.LEAST, keys.MOST))
    if least.isdecimal() and most.isdecimal() and int(most) < int(least):
        yield Problem(_ANNOTATIONS / keys.MOST, most, f"at least {keys.LEAST}, {least!r}")


def _whole_number_problems(key: str, value: Any, *, most: int | None = None) -> Iterator[Problem]:
    if isinstance(value, Unknown):
        return
    number = int(value) if isinstance(value, str) and value.isdecimal() else 0
    if number < 1 or (most is not None and number > most):
        bound = "or more" if most is None else f"to {most}"
        yield Problem(_ANNOTATIONS / key, value, f"a whole number as a text, 1 {bound}")


def _autoscaling_problems(annotations: Spec, spec: Spec, config: ServingConfig) -> Iterator[Problem]:
    metric = annotations.get(keys.METRIC, "cpu")
    yield from choice_problems(_ANNOTATIONS / keys.METRIC, metric, _METRICS)
    if metric in _METRICS:
        for index, container in entries(spec.get("containers")):
            if requested(container, metric) is None:
                path = FieldPath("spec", "containers", index, "resources", "requests", metric)
                yield Problem(path, MISSING, "a quantity: the autoscaler compares the usage with it")
    if "replicas" in spec:
        yield Problem(
            FieldPath("spec", "replicas"), spec["replicas"], f"none with {keys.CLASS}: hpa, which sets the number"
        )
    if not config.scale_to_zero.enabled:
        expected = (
            "spec.replicas instead, or scale to zero enabled in the ServingConfig: without it, ModelMesh's controller "
            "cannot create the first pods of an autoscaled runtime"
        )
        yield Problem(_ANNOTATIONS / keys.CLASS, "hpa", expected)
