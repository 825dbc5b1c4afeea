"""Typed `spec` of a ServingRuntime or ClusterServingRuntime, with each field that ModelMesh Serving uses.

Fields that it ignores are missing: `httpDataEndpoint`, a format's `priority`, and any `multiModel` but true. Containers
and other types of Kubernetes are Pulumi's argument classes.
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
    """A model format that a runtime serves; ModelMesh compares versions as text."""

    name: str
    version: str | None = None
    auto_select: bool | None = True
    """Whether the runtime may serve InferenceServices that do not name a runtime."""

    def entry(self) -> Document:
        """Render an entry of `supportedModelFormats`."""
        return {"name": self.name, "version": self.version, "autoSelect": self.auto_select}


@dataclass(frozen=True, kw_only=True)
class BuiltInAdapter:
    """ModelMesh's adapter container for a model server without support for the mesh."""

    server_type: ServerType
    """Type of the model server, which must also be the name of its container."""
    runtime_management_port: int
    """Port at which the model server loads models: 8001 of mlserver and triton, 8888 of ovms, 7071 of torchserve."""
    memory_buffer_bytes: int = 128 * MIB
    """Memory of the model server itself; models may fill the rest of its container's memory request."""
    load_timeout_seconds: float = 90
    """Timeout for loading one model, including its download."""
    environment: Sequence[kubernetes.core.v1.EnvVarArgs] = ()
    """Environment that tunes the adapter, like MODELSIZE_MULTIPLIER."""

    def entry(self) -> Document:
        """Render the value of `builtInAdapter`."""
        return {
            "serverType": self.server_type,
            "runtimeManagementPort": self.runtime_management_port,
            "memBufferBytes": self.memory_buffer_bytes,
            "modelLoadingTimeoutMillis": round(self.load_timeout_seconds * 1000),
            "env": list(self.environment) or None,
        }


@dataclass(frozen=True, kw_only=True)
class Autoscaling:
    """A HorizontalPodAutoscaler for the runtime's pods, instead of `replicas`."""

    min_replicas: int = 1
    max_replicas: int = 1
    metric: Literal["cpu", "memory"] = "cpu"
    target_utilization_percentage: int = 80
    """Target usage in percent of the containers' requests."""

    def annotations(self) -> dict[str, str]:
        """Render the annotations from which ModelMesh Serving creates the autoscaler."""
        return {
            keys.CLASS: "hpa",
            keys.METRIC: self.metric,
            keys.UTILIZATION: str(self.target_utilization_percentage),
            keys.LEAST: str(self.min_replicas),
            keys.MOST: str(self.max_replicas),
        }


@dataclass(frozen=True, kw_only=True)
class ServingRuntimeSpec:
    """Containers and model formats of a runtime. Endpoints are `port:<number>` or `unix:<path>`."""

    containers: Sequence[kubernetes.core.v1.ContainerArgs]
    supported_model_formats: Sequence[ModelFormat]
    disabled: bool | None = None
    """Whether to remove the runtime's pods and keep the object."""
    protocol_versions: Sequence[ProtocolVersion] = ()
    """Protocols of the model server; an InferenceService that names one needs a runtime that lists it."""
    grpc_endpoint: str | None = None
    """Endpoint for managing models: the adapter's with `built_in_adapter`, otherwise the model server's. ModelMesh's
    controller panics without it."""
    grpc_data_endpoint: str | None = None
    """Endpoint at which the model server answers requests."""
    replicas: int | None = None
    """Number of pods, instead of the installation's `pods_per_runtime`."""
    storage_helper_disabled: bool = False
    """Whether the model server fetches models itself, by path and storage key. Not with `built_in_adapter`."""
    built_in_adapter: BuiltInAdapter | None = None
    volumes: Sequence[kubernetes.core.v1.VolumeArgs] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[kubernetes.core.v1.TolerationArgs] = ()
    affinity: kubernetes.core.v1.AffinityArgs | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the pods, which override those of the installation."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Annotations of the pods, which override those of the installation."""
    image_pull_secrets: Sequence[str] = ()
    """Names of pull secrets, in addition to those of the installation."""
    autoscaling: Autoscaling | None = None
    max_loading_concurrency: int | None = None
    """Number of models that `built_in_adapter` loads at the same time; default: 1."""
    per_model_concurrency_limit: int | None = None
    """Number of concurrent requests per model, with `built_in_adapter`; default: unlimited."""
    product_config: str | None = None
    """Name of a ConfigMap without which the controller creates no pods; this version uses it for nothing else."""
    memory_plan: MemoryPlan | None = None
    """Plan from which the sizes were calculated; previews show it."""

    def spec(self) -> Document:
        """Render the object's `spec`; Outputs stay in it."""
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
        """Render the settings that ModelMesh Serving reads from the object's annotations instead of its spec."""
        plain = {
            keys.LOADING_CONCURRENCY: self.max_loading_concurrency,
            keys.MODEL_CONCURRENCY: self.per_model_concurrency_limit,
            keys.PRODUCT_CONFIG: self.product_config,
        }
        annotations = {key: str(value) for key, value in plain.items() if value is not None}
        return annotations | (self.autoscaling.annotations() if self.autoscaling else {})
