"""The `spec` of a ServingRuntime or ClusterServingRuntime, typed: every field that ModelMesh Serving honours.

Left out is what it ignores: `httpDataEndpoint`, a format's `priority`, and any other `multiModel` than true. Containers
and what else is Kubernetes' own are Pulumi's argument classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi_kubernetes as kubernetes

from ..core import annotations as keys
from ..core.names_and_quantities import MIB
from ..core.rendering import Document, document
from ..images.images import ServerType
from ..installation.declared_runtime import ProtocolVersion
from .memory_plan import MemoryPlan


@dataclass(frozen=True, kw_only=True)
class ModelFormat:
    """A format that a runtime serves; ModelMesh compares versions as text."""

    name: str
    version: str | None = None
    auto_select: bool | None = True
    """InferenceServices that name no runtime may get this one; without it, only those that name it."""

    def entry(self) -> Document:
        """The entry of `supportedModelFormats`."""
        return {"name": self.name, "version": self.version, "autoSelect": self.auto_select}


@dataclass(frozen=True, kw_only=True)
class BuiltInAdapter:
    """ModelMesh's own adapter for a model server that does not know the mesh; it runs in a container of its own."""

    server_type: ServerType
    """The model server's container has to be named like it."""
    runtime_management_port: int
    """Where the model server loads and unloads: 8001 of mlserver and triton, 8888 of ovms, 7071 of torchserve."""
    memory_buffer_bytes: int = 128 * MIB
    """What the model server needs for itself; the rest of its container's memory request is room for models."""
    load_timeout_seconds: float = 90
    """For one model, fetching it included."""
    environment: Sequence[kubernetes.core.v1.EnvVarArgs] = ()
    """For tuning the adapter itself, like MODELSIZE_MULTIPLIER."""

    def entry(self) -> Document:
        """The value of `builtInAdapter`."""
        return {
            "serverType": self.server_type,
            "runtimeManagementPort": self.runtime_management_port,
            "memBufferBytes": self.memory_buffer_bytes,
            "modelLoadingTimeoutMillis": round(self.load_timeout_seconds * 1000),
            "env": list(self.environment) or None,
        }


@dataclass(frozen=True, kw_only=True)
class Autoscaling:
    """A HorizontalPodAutoscaler for the runtime's pods, in place of `replicas`."""

    min_replicas: int = 1
    max_replicas: int = 1
    metric: Literal["cpu", "memory"] = "cpu"
    target_utilization_percentage: int = 80
    """Of what the containers request."""

    def annotations(self) -> dict[str, str]:
        """As ModelMesh Serving reads it, from the object's annotations."""
        return {
            keys.CLASS: "hpa",
            keys.METRIC: self.metric,
            keys.UTILIZATION: str(self.target_utilization_percentage),
            keys.LEAST: str(self.min_replicas),
            keys.MOST: str(self.max_replicas),
        }


@dataclass(frozen=True, kw_only=True)
class ServingRuntimeSpec:
    """What a runtime runs and serves. Endpoints are `port:<number>` or `unix:<path>`."""

    containers: Sequence[kubernetes.core.v1.ContainerArgs]
    supported_model_formats: Sequence[ModelFormat]
    disabled: bool | None = None
    """Keeps the runtime declared and takes its pods away."""
    protocol_versions: Sequence[ProtocolVersion] = ()
    """InferenceServices that ask for a protocol are only placed where it is named."""
    grpc_endpoint: str | None = None
    """Where models are managed: the adapter's own port with `built_in_adapter`, else the model server's. ModelMesh's
    controller cannot do without it."""
    grpc_data_endpoint: str | None = None
    """Where the model server answers requests."""
    replicas: int | None = None
    """In place of the installation's `pods_per_runtime`."""
    storage_helper_disabled: bool = False
    """The model server fetches models itself, by the path and key that it is told. Not beside `built_in_adapter`."""
    built_in_adapter: BuiltInAdapter | None = None
    volumes: Sequence[kubernetes.core.v1.VolumeArgs] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[kubernetes.core.v1.TolerationArgs] = ()
    affinity: kubernetes.core.v1.AffinityArgs | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the pods, over those of the installation."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Likewise."""
    image_pull_secrets: Sequence[str] = ()
    """Names of Secrets, beside those of the installation."""
    autoscaling: Autoscaling | None = None
    max_loading_concurrency: int | None = None
    """How many models `built_in_adapter` loads at once; 1 by default."""
    per_model_concurrency_limit: int | None = None
    """How many requests for one model may be under way at once, with `built_in_adapter`; any number by default."""
    product_config: str | None = None
    """Name of a ConfigMap without which the controller makes no pods; of no other use in this version."""
    memory_plan: MemoryPlan | None = None
    """Where its sizes come from, to be told in previews."""

    def spec(self) -> Document:
        """The document's `spec`; Outputs stay in it."""
        rendered: Document = document(
            {
                "supportedModelFormats": [model_format.entry() for model_format in self.supported_model_formats]
                or None,
                "protocolVersions": list(self.protocol_versions) or None,
                "multiModel": True,
                "disabled": self.disabled,
                "grpcEndpoint": self.grpc_endpoint,
                "grpcDataEndpoint": self.grpc_data_endpoint,
                "replicas": self.replicas,
                "storageHelper": {"disabled": True} if self.storage_helper_disabled else None,
                "containers": list(self.containers),
                "volumes": list(self.volumes) or None,
                "nodeSelector": dict(self.node_selector) or None,
                "tolerations": list(self.tolerations) or None,
                "affinity": self.affinity,
                "labels": dict(self.labels) or None,
                "annotations": dict(self.annotations) or None,
                "imagePullSecrets": [{"name": name} for name in self.image_pull_secrets] or None,
                "builtInAdapter": self.built_in_adapter.entry() if self.built_in_adapter else None,
            }
        )
        return rendered

    def metadata_annotations(self) -> dict[str, str]:
        """What ModelMesh Serving reads from the object's own annotations instead of its spec."""
        plain = {
            keys.LOADING_CONCURRENCY: self.max_loading_concurrency,
            keys.MODEL_CONCURRENCY: self.per_model_concurrency_limit,
            keys.PRODUCT_CONFIG: self.product_config,
        }
        said = {key: str(value) for key, value in plain.items() if value is not None}
        return said | (self.autoscaling.annotations() if self.autoscaling else {})
