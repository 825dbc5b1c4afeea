"""What runtimes, services and model namespaces have to know of the ModelMesh Serving that looks after them."""

from dataclasses import dataclass, field
from typing import Literal

import pulumi

from ..core.cluster import Cluster
from .declared_runtime import DeclaredRuntime
from .serving_config import ServingConfig

Scope = Literal["cluster", "namespace"]
"""Whether the controller serves every namespace that is marked for it, or its own alone."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """An installed ModelMesh Serving. All but the Outputs is known in every preview."""

    cluster: Cluster
    namespace_name: str
    """The controller's namespace."""
    scope: Scope = "cluster"
    model_namespaces: tuple[str, ...]
    """All namespaces that it serves models in; in namespace scope only the controller's own."""
    config: ServingConfig
    built_in_runtimes: tuple[DeclaredRuntime, ...] = ()
    """Those of upstream's own runtimes that are installed."""
    namespace: pulumi.Output[str]
    """The controller's namespace; resolves when it exists."""
    admitting: pulumi.Output[str]
    """The same, but resolves only when runtimes are admitted, and after upstream's own are there."""
    tls: dict[str, pulumi.Output[str]] | None = field(default=None, repr=False)
    """The data plane's TLS Secret by key (`tls.crt`, `tls.key`, `ca.crt`), where there is one of the stack's own; every
    model namespace holds a copy."""
    tls_secret: str | None = None
    """The name of that Secret, or of one that is in all those namespaces already; None where there is no TLS."""
