"""Typed form of ModelMesh Serving's own configuration, the ConfigMap `model-serving-config`.

Each key that the controller reads has a field here, with upstream's default, except for three: `tls` comes from the
component that has the Secret, the deprecated `etcdSecretName` is in the controller's environment, and upstream ignores
the command of most images. The ConfigMap has every value, defaults included, so that it shows the whole configuration.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from ..core.names_and_quantities import MIB, quantity
from ..images.images import SERVER_TYPES, Images
from ..images.pull_secret import ImagePullSecret
from .mesh_memory import memory_mib


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Requests and limits of a container: Kubernetes quantities of `cpu` and `memory`, all four of them required."""

    requests: Mapping[str, str]
    limits: Mapping[str, str]

    def as_config(self) -> dict[str, dict[str, str]]:
        """Render the resources for the ConfigMap or a container."""
        return {"requests": dict(self.requests), "limits": dict(self.limits)}


def sidecar_resources(cpu_limit: str) -> Resources:
    """Return upstream's resources for sidecars of a model server and for the controller."""
    return Resources(requests={"cpu": "50m", "memory": "96Mi"}, limits={"cpu": cpu_limit, "memory": "512Mi"})


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Settings of the mesh's Prometheus metrics."""

    enabled: bool = True
    port: int = 2112
    scheme: Literal["http", "https"] = "https"
    """Protocol of the metrics endpoint; with https it has a self-signed certificate, which scrapers must not verify."""
    service_monitor: bool = True
    """Let the controller create a ServiceMonitor if the cluster has that kind."""


@dataclass(frozen=True, kw_only=True)
class ScaleToZero:
    """Removal of a runtime's pods while no model needs the runtime."""

    enabled: bool = True
    grace_period_seconds: int = 60


@dataclass(frozen=True, kw_only=True)
class RestProxy:
    """Sidecar in each runtime pod that translates REST requests of the V2 protocol to gRPC."""

    enabled: bool = True
    port: int = 8008
    resources: Resources = field(default_factory=lambda: sidecar_resources("1"))


@dataclass(frozen=True, kw_only=True)
class PayloadProcessor:
    """A receiver of the requests and responses of a model and a method, in addition to the client."""

    scheme: Literal["logger", "http"]
    """`logger` writes to the mesh's own log, `http` posts JSON to a server; ModelMesh has no https here."""
    host: str = ""
    port: int | None = None
    path: str = ""
    model_id: str = "*"
    """ID of one model; `*` stands for all models."""
    method: str = "*"
    """Full name of one gRPC method, like inference.GRPCInferenceService/ModelInfer; `*` stands for all methods."""

    def uri(self) -> str:
        """Render the processor in ModelMesh's syntax."""
        authority = self.host + (f":{self.port}" if self.port is not None else "")
        return f"{self.scheme}://{authority}/{self.path.removeprefix('/')}?{self.model_id}#{self.method}"


@dataclass(frozen=True, kw_only=True)
class ServingConfig:
    """Settings of the runtime pods and their Service, which the controller creates."""

    images: Images
    service_name: str = "modelmesh-serving"
    """Name of ModelMesh's Service in each model namespace; also a part of pod names and of keys in etcd."""
    service_port: int = 8033
    """Port of gRPC requests."""
    headless: bool = True
    """Whether clients resolve and balance between the pods themselves; a change replaces the Service."""
    pods_per_runtime: int = 2
    """Replicas of each runtime that does not set its own number."""
    storage_secret_name: str = "storage-config"  # noqa: S105  a name, not a secret
    """Secret in each model namespace with the connections to model storage."""
    service_account_name: str = ""
    """ServiceAccount of runtime pods; empty means the namespace's `default` (upstream documents `modelmesh`, but its
    code uses `default`)."""
    access_logging: bool = False
    """Whether the mesh logs each request."""
    max_message_bytes: int = 16 * MIB
    """Maximum size of a request or response. ModelMesh's memory grows with it unless `mesh_resources` is set."""
    metrics: Metrics = field(default_factory=Metrics)
    scale_to_zero: ScaleToZero = field(default_factory=ScaleToZero)
    rest_proxy: RestProxy = field(default_factory=RestProxy)
    mesh_resources: Resources | None = None
    """Resources of ModelMesh's container; default: upstream's, with the memory that `max_message_bytes` needs."""
    adapter_resources: Resources = field(default_factory=lambda: sidecar_resources("2"))
    """Resources of the container that fetches models and has the model server load them."""
    puller_command: Sequence[str] = ("/opt/app/puller",)
    """Command in the adapter's image that fetches models for runtimes without a built-in adapter."""
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of all runtime pods. Keys must be lower-case, since the controller changes others to lower case."""
    pod_annotations: Mapping[str, str] = field(default_factory=dict)
    """Annotations of all runtime pods. Keys must be lower-case, as those of `pod_labels`."""
    image_pull_secrets: Sequence[ImagePullSecret] = ()
    """Pull secrets of runtime pods and the controller."""
    allow_any_pvc: bool = False
    """Whether InferenceServices may use PersistentVolumeClaims that the storage Secret does not list."""
    built_in_server_types: Sequence[str] = SERVER_TYPES
    """Built-in adapters that runtimes may use."""
    payload_processors: Sequence[PayloadProcessor] = ()
    mesh_environment: Mapping[str, str] = field(default_factory=dict)
    """Additional environment of ModelMesh's container, for settings that have no field here."""
    management_endpoint: str | None = None
    """Endpoint at which the controller manages models instead of each namespace's Service; for development only."""

    def mesh(self) -> Resources:
        """Return the resources of ModelMesh's container."""
        if self.mesh_resources is not None:
            return self.mesh_resources
        memory = f"{memory_mib(self.max_message_bytes)}Mi"
        return Resources(requests={"cpu": "300m", "memory": memory}, limits={"cpu": "3", "memory": memory})

    def ports(self) -> dict[int, int]:
        """Map each port that upstream's network policy opens to the port of this configuration."""
        return {8033: self.service_port, 8008: self.rest_proxy.port, 2112: self.metrics.port}

    def render(self, *, tls_secret: str | None = None, client_auth: str | None = None) -> str:
        """Render `config.yaml`; equal settings give equal text."""
        config: dict[str, Any] = {
            "inferenceServiceName": self.service_name,
            "inferenceServicePort": self.service_port,
            "headlessService": self.headless,
            "podsPerRuntime": self.pods_per_runtime,
            "storageSecretName": self.storage_secret_name,
            "serviceAccountName": self.service_account_name,
            "enableAccessLogging": self.access_logging,
            "grpcMaxMessageSizeBytes": self.max_message_bytes,
            "tls": {"secretName": tls_secret, "clientAuth": client_auth},
            "metrics": {
                "enabled": self.metrics.enabled,
                "port": self.metrics.port,
                "scheme": self.metrics.scheme,
                "disablePrometheusOperatorSupport": not self.metrics.service_monitor,
            },
            "scaleToZero": {
                "enabled": self.scale_to_zero.enabled,
                "gracePeriodSeconds": self.scale_to_zero.grace_period_seconds,
            },
            "restProxy": {
                "enabled": self.rest_proxy.enabled,
                "port": self.rest_proxy.port,
                "image": self.images.rest_proxy.as_config(),
                "resources": self.rest_proxy.resources.as_config(),
            },
            "modelMeshImage": self.images.modelmesh.as_config(),
            "modelMeshResources": self.mesh().as_config(),
            "storageHelperImage": {**self.images.adapter.as_config(), "command": list(self.puller_command)},
            "storageHelperResources": self.adapter_resources.as_config(),
            "runtimePodLabels": dict(self.pod_labels),
            "runtimePodAnnotations": dict(self.pod_annotations),
            "imagePullSecrets": [{"name": secret.name} for secret in self.image_pull_secrets],
            "allowAnyPVC": self.allow_any_pvc,
            "builtInServerTypes": list(self.built_in_server_types),
            "payloadProcessors": [processor.uri() for processor in self.payload_processors],
            "internalModelMeshEnvVars": [
                {"name": name, "value": value} for name, value in sorted(self._environment().items())
            ],
            "modelMeshEndpoint": self.management_endpoint,
        }
        return yaml.safe_dump(_without_empty(config), sort_keys=True)

    def _environment(self) -> dict[str, str]:
        """Set the memory limit, since ModelMesh's start script cannot read that of cgroup v2 and assumes 1536 MiB."""
        limit = quantity(self.mesh().limits.get("memory"))
        return {**({"MEM_LIMIT_MB": str(int(limit // MIB))} if limit else {}), **self.mesh_environment}


def _without_empty(config: dict[str, Any]) -> dict[str, Any]:
    """Leave out values that are empty, at any depth."""
    kept = {key: _without_empty(value) if isinstance(value, dict) else value for key, value in config.items()}
    return {key: value for key, value in kept.items() if value not in (None, {}, [])}
