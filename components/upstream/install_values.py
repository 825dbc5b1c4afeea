"""Values of one installation that are set in upstream's documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

LABELS = {f"app.kubernetes.io/{key}": "modelmesh-controller" for key in ("instance", "managed-by", "name")}
"""Labels of all objects of an installation; upstream's network policies select pods by them."""


@dataclass(frozen=True, kw_only=True)
class InstallValues:
    """Values of one installation; those of type Input may be Outputs."""

    namespace: pulumi.Input[str]
    namespace_name: str
    """Name of the namespace as plain text."""
    owner: str
    """Owner annotation of the installation's cluster-scoped objects: the stack."""
    definitions_owner: str
    """Owner annotation of the CustomResourceDefinitions, which stacks may share."""
    namespace_scope: bool = False
    controller_image: str
    replicas: int = 1
    resources: Mapping[str, Any]
    """Requests and limits of the controller's container."""
    dev_mode_logging: bool = False
    pull_secrets: Sequence[str] = ()
    etcd_secret: pulumi.Input[str]
    storage_secret: str
    certificate_secret: pulumi.Input[str]
    ca_bundle: pulumi.Input[str] | None = None
    """CA certificate of the webhook as base64 of its PEM text; None if cert-manager injects it."""
    ca_injected_from: str | None = None
    """Certificate object of cert-manager, as namespace/name."""
    ports: Mapping[int, int] = field(default_factory=dict)
    """Ports of runtime pods by the ports that upstream's network policy has for them."""
    server_images: Mapping[str, str] = field(default_factory=dict)
    """Images of upstream's runtimes by server type."""
