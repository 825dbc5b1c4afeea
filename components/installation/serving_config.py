"""ModelMesh Serving's own configuration, typed: what this stack says in the config map `model-serving-config`.

Every key that upstream reads has its field here, with upstream's default, but for these: `tls` is told by whoever has
the Secret, the deprecated `etcdSecretName` is in the controller's environment, and the command of most images upstream
ignores. All of them are written out, so that the config map says what holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from ..core.names_and_quantities import MIB, quantity
from ..images.images import SERVER_TYPES, Images
from ..images.pull_secret import ImagePullSecret
from .mesh_memory import memory_mib
from .payload_processor import PayloadProcessor


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Requests and limits of a container, as Kubernetes quantities by `cpu` and `memory`; all four have to be there."""

    requests: Mapping[str, str]
    limits: Mapping[str, str]

    def as_config(self) -> dict[str, dict[str, str]]:
        """The form in the config map, and in a container."""
        return {"requests": dict(self.requests), "limits": dict(self.limits)}


def sidecar_resources(cpu_limit: str) -> Resources:
    """Upstream's for what stands beside a model server, and for the controller."""
    return Resources(requests={"cpu": "50m", "memory": "96Mi"}, limits={"cpu": cpu_limit, "memory": "512Mi"})


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Prometheus metrics of the mesh."""

    enabled: bool = True
    port: int = 2112
    scheme: Literal["http", "https"] = "https"
    """With https the mesh signs its own certificate, which scrapers have to let pass."""
    service_monitor: bool = True
    """Have the controller make a ServiceMonitor where the cluster knows that kind."""


@dataclass(frozen=True, kw_only=True)
class ScaleToZero:
    """Taking a runtime's pods away while no model asks for it."""

    enabled: bool = True
    grace_period_seconds: int = 60


@dataclass(frozen=True, kw_only=True)
class RestProxy:
    """The container that answers REST requests of the V2 protocol in each pod."""

    enabled: bool = True
    port: int = 8008
    resources: Resources = field(default_factory=lambda: sidecar_resources("1"))


@dataclass(frozen=True, kw_only=True)
class ServingConfig:
    """How the controller makes runtime pods, and the Service in front of them."""

    images: Images
    service_name: str = "modelmesh-serving"
    """ModelMesh's Service in each namespace, part of its pods' names and of its keys in etcd."""
    service_port: int = 8033
    """Of gRPC."""
    headless: bool = True
    """Clients see every pod, and balance between them themselves; a change makes a new Service."""
    pods_per_runtime: int = 2
    """Unless the runtime says otherwise."""
    storage_secret_name: str = "storage-config"  # noqa: S105  a name, not a secret
    """The Secret in each model namespace that says where models are stored."""
    service_account_name: str = ""
    """Of runtime pods; empty is the namespace's `default`. That is upstream's code; its documentation says `modelmesh`,
    an account without rights of which namespaces that are not this stack's have none, so that their pods could not
    start."""
    access_logging: bool = False
    """A line in the mesh's log for each request."""
    max_message_bytes: int = 16 * MIB
    """The largest request or reply. ModelMesh's memory grows with it, unless `mesh_resources` says how much it gets."""
    metrics: Metrics = field(default_factory=Metrics)
    scale_to_zero: ScaleToZero = field(default_factory=ScaleToZero)
    rest_proxy: RestProxy = field(default_factory=RestProxy)
    mesh_resources: Resources | None = None
    """Of ModelMesh's container; by default upstream's, with as much memory as `max_message_bytes` needs."""
    adapter_resources: Resources = field(default_factory=lambda: sidecar_resources("2"))
    """Of the container that fetches models and tells the model server to load them."""
    puller_command: Sequence[str] = ("/opt/app/puller",)
    """What fetches models for runtimes that bring an adapter of their own; it is in the adapter's image."""
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    """On all runtime pods. No capitals in keys: upstream would make them small."""
    pod_annotations: Mapping[str, str] = field(default_factory=dict)
    """Likewise."""
    image_pull_secrets: Sequence[ImagePullSecret] = ()
    """For runtime pods and the controller."""
    allow_any_pvc: bool = False
    """Mount claims that an InferenceService names and the storage Secret does not."""
    built_in_server_types: Sequence[str] = SERVER_TYPES
    """Which built-in adapters runtimes may use."""
    payload_processors: Sequence[PayloadProcessor] = ()
    mesh_environment: Mapping[str, str] = field(default_factory=dict)
    """More environment for ModelMesh's container, for what has no field here."""
    management_endpoint: str | None = None
    """For development: where the controller manages models, instead of the Service in each namespace."""

    def mesh(self) -> Resources:
        """What ModelMesh's container gets."""
        if self.mesh_resources is not None:
            return self.mesh_resources
        memory = f"{memory_mib(self.max_message_bytes)}Mi"
        return Resources(requests={"cpu": "300m", "memory": memory}, limits={"cpu": "3", "memory": memory})

    def ports(self) -> dict[int, int]:
        """Each port that upstream's network policy opens, and which it is by this configuration."""
        return {8033: self.service_port, 8008: self.rest_proxy.port, 2112: self.metrics.port}

    def render(self, *, tls_secret: str | None = None, client_auth: str | None = None) -> str:
        """The text of `config.yaml`; the same settings always give the same text."""
        told: dict[str, Any] = {
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
        return yaml.safe_dump(_filled(told), sort_keys=True)

    def _environment(self) -> dict[str, str]:
        """ModelMesh's start script finds no memory limit on nodes with cgroup v2, and would count on 1536 MiB."""
        limit = quantity(self.mesh().limits.get("memory"))
        return {**({"MEM_LIMIT_MB": str(int(limit // MIB))} if limit else {}), **self.mesh_environment}


def _filled(told: dict[str, Any]) -> dict[str, Any]:
    """All but what is empty, which would say nothing."""
    filled = {key: _filled(value) if isinstance(value, dict) else value for key, value in told.items()}
    return {key: value for key, value in filled.items() if value not in (None, {}, [])}
