"""Pod specs inside the resources that create pods."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .reading import Spec, at, entries
from .resource import Resource

_TEMPLATE = ("spec", "template", "spec")
_PLACES = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), _TEMPLATE),
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    "Pod": ("spec",),
    # ModelMesh's controller creates pods from these, with the same containers and volumes beside its own.
    "ServingRuntime": ("spec",),
    "ClusterServingRuntime": ("spec",),
}


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod's spec and its path in the resource."""

    path: str
    spec: Spec

    def containers(self) -> Iterator[tuple[str, Spec]]:
        """Each container with its path, init containers first."""
        for field in ("initContainers", "containers"):
            for index, container in entries(self.spec.get(field)):
                yield f"{self.path}.{field}[{index}]", container


def pod(resource: Resource) -> Pod | None:
    """Pod spec of the resource, if it creates pods and the spec is known."""
    place = _PLACES.get(resource.kind)
    spec = at(resource.properties, *place) if place else None
    return Pod(path=".".join(place), spec=spec) if place and isinstance(spec, Mapping) else None


def containers(resource: Resource) -> Iterator[tuple[str, Spec]]:
    """Each container of the resource's pods with its path."""
    found = pod(resource)
    yield from found.containers() if found else ()
