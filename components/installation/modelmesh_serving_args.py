"""What an installation of ModelMesh Serving is told. In a file of its own, for its rules to know it too."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi

from ..core.cluster import Cluster
from ..core.ownership import Definitions
from ..stores.certificate import today
from ..stores.etcd_connection import EtcdConnection
from .data_plane_tls import DataPlaneTls
from .installation import Scope
from .serving_config import Resources, ServingConfig, sidecar_resources
from .webhook_certificate import Issuer

BuiltInRuntime = Literal["triton-2.x", "mlserver-1.x", "ovms-1.x", "torchserve-0.x"]


@dataclass(frozen=True, kw_only=True)
class Controller:
    """The controller's pods: three of them survive the loss of a node."""

    replicas: int = 1
    resources: Resources = field(default_factory=lambda: sidecar_resources("1"))
    dev_mode_logging: bool = False
    """Log for people, not for machines, and with nothing left out."""


@dataclass(frozen=True, kw_only=True)
class ModelMeshServingArgs:
    """Where ModelMesh Serving goes, what it works with, and how it makes its pods."""

    cluster: Cluster
    namespace: pulumi.Input[str]
    """The controller's; it has to exist."""
    namespace_name: str
    """The same as plain text."""
    model_namespaces: Sequence[str] | None = None
    """Namespaces to serve models in, which may include the controller's own; None means that one alone."""
    scope: Scope = "cluster"
    definitions: Definitions = "kept"
    etcd: EtcdConnection
    config: ServingConfig
    built_in_runtimes: Sequence[BuiltInRuntime] = ()
    """Upstream's own, for whoever brings no model server."""
    controller: Controller = field(default_factory=Controller)
    webhook_certificate: Issuer = "own"
    tls: DataPlaneTls | None = None
    dashboard: bool = False
    """Upstream's dashboard of metrics, in a config map in which Grafana's sidecar looks for it."""
    network_policies: bool = True
    """Upstream's for the controller, its webhook, and runtime pods in the controller's namespace."""
    today: datetime.date = field(default_factory=today)
    """By which certificates are renewed."""

    @property
    def served_namespaces(self) -> tuple[str, ...]:
        """The namespaces to serve models in."""
        return (self.namespace_name,) if self.model_namespaces is None else tuple(self.model_namespaces)
