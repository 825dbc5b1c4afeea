"""Facts about an installed ModelMesh Serving that model namespaces, runtimes and services need."""

from dataclasses import dataclass, field
from typing import Literal

import pulumi

from ..core.cluster import Cluster
from .data_plane_tls import ClientAuth
from .declared_runtime import DeclaredRuntime
from .serving_config import ServingConfig

Scope = Literal["cluster", "namespace"]
"""Namespaces that the controller serves: all that have its label, or only its own."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Description of an installed ModelMesh Serving. All fields but the Outputs are known in every preview."""

    cluster: Cluster
    namespace_name: str
    """Name of the controller's namespace."""
    scope: Scope = "cluster"
    model_namespaces: tuple[str, ...]
    """Namespaces in which it serves models; in namespace scope only the controller's own."""
    config: ServingConfig
    built_in_runtimes: tuple[DeclaredRuntime, ...] = ()
    """Upstream's own runtimes that are installed."""
    namespace: pulumi.Output[str]
    """Name of the controller's namespace; resolves when it exists."""
    admitting: pulumi.Output[str]
    """Name of the controller's namespace; resolves when the webhook admits runtimes and upstream's own exist."""
    tls: dict[str, pulumi.Output[str]] | None = field(default=None, repr=False)
    """Values of the data plane's TLS Secret by key (`tls.crt`, `tls.key`, `ca.crt`) if the stack creates it; each model
    namespace has a copy."""
    tls_secret: pulumi.Input[str] | None = None
    """Name of the TLS Secret, created or existing, in each of those namespaces; None without TLS."""
    tls_client_auth: ClientAuth | None = None
    """Whether clients must present a certificate."""
