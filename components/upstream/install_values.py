"""What an installation adds to upstream's documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

LABELS = {f"app.kubernetes.io/{key}": "modelmesh-controller" for key in ("instance", "managed-by", "name")}
"""On every object of the installation: upstream's network policies select pods by them."""


@dataclass(frozen=True, kw_only=True)
class InstallValues:
    """One installation's own values; those of type Input may be Outputs."""

    namespace: pulumi.Input[str]
    namespace_name: str
    """The same as plain text."""
    mark: str
    """Of the stack, for what no namespace holds."""
    definitions_mark: str
    """Of the definitions, which stacks may share."""
    namespace_scope: bool = False
    controller_image: str
    replicas: int = 1
    resources: Mapping[str, Any]
    """Requests and limits of the controller."""
    dev_mode_logging: bool = False
    pull_secrets: Sequence[str] = ()
    etcd_secret: pulumi.Input[str]
    storage_secret: str
    certificate_secret: pulumi.Input[str]
    ca_bundle: pulumi.Input[str] | None = None
    """Base64 of the PEM certificate that the API server is to trust; None where cert-manager writes it."""
    ca_injected_from: str | None = None
    """The Certificate object of cert-manager, as namespace/name."""
    ports: Mapping[int, int] = field(default_factory=dict)
    """Ports of runtime pods by those that upstream's network policy opens in their place."""
    server_images: Mapping[str, str] = field(default_factory=dict)
    """Of upstream's own runtimes, by the type of their model server."""
