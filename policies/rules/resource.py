"""One resource of a stack, as registered by the program: without values that the cluster adds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from .reading import Spec, at, entries, text

SERVING_CONFIG = "data[config.yaml]"
"""Path of ModelMesh Serving's configuration in its ConfigMap."""
_PACKAGE = "kubernetes:"
_TEMPLATE = ("spec", "template", "spec")
_PODS = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), _TEMPLATE),
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    "Pod": ("spec",),
    # ModelMesh's controller creates pods from these, with the same containers and volumes beside its own.
    "ServingRuntime": ("spec",),
    "ClusterServingRuntime": ("spec",),
}
"""Path of the pod spec in the resources that create pods."""


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


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource's type, its place in the stack, and its inputs by their names in the API."""

    token: str
    urn: str
    properties: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Kind of a Kubernetes object; empty for other resources."""
        return self.token.rpartition(":")[2] if self.token.startswith(_PACKAGE) else ""

    @property
    def name(self) -> str:
        """Name of the object, or of the resource if Pulumi generates the object's name."""
        return text(at(self.properties, "metadata", "name")) or self.urn.rpartition("::")[2]

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.urn.split("::")[0].removeprefix("urn:pulumi:")

    @property
    def components(self) -> list[str]:
        """Types of the components that contain it, the outermost first."""
        return self.urn.split("::")[2].split("$")[:-1]

    @property
    def pod(self) -> Pod | None:
        """Pod spec, if the resource creates pods and the spec is known."""
        place = _PODS.get(self.kind)
        spec = at(self.properties, *place) if place else None
        return Pod(path=".".join(place), spec=spec) if place and isinstance(spec, Mapping) else None

    @property
    def containers(self) -> list[tuple[str, Spec]]:
        """Each container of its pods with its path."""
        return list(self.pod.containers()) if self.pod else []

    @property
    def serving_config(self) -> Spec | None:
        """ModelMesh Serving's configuration, if the resource is its ConfigMap and the content is known."""
        if self.kind != "ConfigMap" or self.name != "model-serving-config":
            return None
        written = at(self.properties, "data", "config.yaml")
        try:
            config: Any = yaml.safe_load(written) if isinstance(written, str) else None
        except yaml.YAMLError:
            return None  # invalid YAML is reported by the controller
        return config if isinstance(config, Mapping) else None
