"""The bill of a stack: its pods, and what their containers request and may use.

The pods of a ServingRuntime are not resources of the stack. Their number and their other containers follow from the
runtime and from ModelMesh Serving's configuration, as in ModelMesh's controller. The rules are those of a
ResourceQuota: pods that have ended do not count, a missing request equals the limit, and init containers count if they
need more than all other containers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .reading import UNKNOWN, Spec, at, entries
from .resource import Resource

SIZES = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
ITEMS = ("pods", *SIZES)
"""Items of a bill, by their names in a ResourceQuota."""
_LASTING = ("Deployment", "StatefulSet", "ReplicaSet", "Pod")
_RUNTIMES = ("ServingRuntime", "ClusterServingRuntime")
_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:[eE](\d+)|([numkMGTPE]?)(i?))")
_DECIMAL = dict(zip(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), range(-9, 19, 3), strict=True))
_ANNOTATIONS = "serving.kserve.io/"


@dataclass(frozen=True, kw_only=True)
class Bill:
    """Sum over all lasting pods."""

    used: Mapping[str, Decimal] = field(default_factory=lambda: dict.fromkeys(ITEMS, Decimal(0)))
    """Sum by item."""
    uncounted: tuple[str, ...] = ()
    """Names of resources whose pods are not in it, since their sizes are not known yet or are no quantities."""


class _NotKnownYetError(Exception):
    pass


def quantity(value: object) -> Decimal:
    """The number that a Kubernetes quantity stands for."""
    found = _QUANTITY.fullmatch(str(value))
    if not found:
        raise ValueError(f"{value!r} is not a quantity like 500m or 2Gi")
    number, exponent, unit, binary = found.groups()
    power = _DECIMAL[unit or ""]
    return Decimal(number) * (Decimal(1024) ** (power // 3) if binary else Decimal(10) ** (int(exponent or 0) + power))


def bill(resources: Iterable[Resource]) -> Bill:
    """The bill of these resources."""
    resources = list(resources)
    configs = {_namespace(each): config for each in resources if (config := each.serving_config) is not None}
    labels = (at(each.properties, "metadata", "labels", "modelmesh-enabled") for each in resources)
    served = sum(label not in (None, "false") for label in labels)
    used, uncounted = dict.fromkeys(ITEMS, Decimal(0)), []
    for each in resources:
        config = configs.get(_namespace(each), next(iter(configs.values()), None))
        try:
            pods, pod = _pods(each, config, max(served, 1))
            sizes = {item: pods * size for item, size in pod_sizes(pod).items()} if pods else {}
        except (_NotKnownYetError, ValueError):
            uncounted.append(each.name)
            continue
        for item, size in {"pods": pods, **sizes}.items():
            used[item] += size
    return Bill(used=used, uncounted=tuple(uncounted))


def pod_sizes(pod: Spec) -> dict[str, Decimal]:
    """Sizes of one pod by its spec."""
    containers = [container for _, container in entries(pod.get("containers"))]
    first = [container for _, container in entries(pod.get("initContainers"))]
    return {
        item: max([sum((_size(each, item) for each in containers), Decimal(0)), *(_size(each, item) for each in first)])
        for item in SIZES
    }


def _pods(resource: Resource, config: Spec | None, served: int) -> tuple[Decimal, Spec]:
    """Number of lasting pods that a resource leads to, and the spec of each."""
    spec = at(resource.properties, "spec")
    if resource.kind in _LASTING and resource.token.startswith("kubernetes:"):
        if resource.pod is None:
            raise _NotKnownYetError
        replicas = 1 if resource.kind == "Pod" else _known(at(spec, "replicas"), 1)
        return quantity(replicas), resource.pod.spec
    if resource.kind not in _RUNTIMES or at(spec, "disabled") or not at(spec, "multiModel"):
        return Decimal(0), {}
    if config is None or not isinstance(spec, Mapping):
        raise _NotKnownYetError
    replicas = _autoscaled(resource) or _known(at(spec, "replicas"), _known(config.get("podsPerRuntime"), 2))
    places = served if resource.kind == "ClusterServingRuntime" else 1
    return quantity(replicas) * places, {"containers": [*_own(spec), *_added(spec, config)]}


def _autoscaled(runtime: Resource) -> object:
    """Largest number of pods of a runtime with a HorizontalPodAutoscaler; None for others."""
    annotations = at(runtime.properties, "metadata", "annotations") or {}
    if at(annotations, f"{_ANNOTATIONS}autoscalerClass") != "hpa":
        return None
    return _known(at(annotations, f"{_ANNOTATIONS}max-scale"), 1)


def _own(spec: Spec) -> Sequence[Spec]:
    return [container for _, container in entries(_known(spec.get("containers"), []))]


def _added(spec: Spec, config: Spec) -> Iterator[Spec]:
    """Containers that ModelMesh's controller adds: the mesh, the adapter or puller, and the REST proxy."""
    yield {"resources": config.get("modelMeshResources")}
    if spec.get("builtInAdapter") or not at(spec, "storageHelper", "disabled"):
        yield {"resources": config.get("storageHelperResources")}
    if at(config, "restProxy", "enabled"):
        yield {"resources": at(config, "restProxy", "resources")}


def _size(container: Spec, item: str) -> Decimal:
    bound, what = item.split(".")
    value = _known(at(container, "resources", bound, what), None)
    if value is None and bound == "requests":
        value = _known(at(container, "resources", "limits", what), None)
    return Decimal(0) if value is None else quantity(value)


def _known(value: Any, default: Any) -> Any:
    """The value, or a default if there is none."""
    if value is UNKNOWN:
        raise _NotKnownYetError
    return default if value is None else value


def _namespace(resource: Resource) -> Any:
    return at(resource.properties, "metadata", "namespace")
