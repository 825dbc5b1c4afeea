"""TLS of the data plane: between clients and the mesh, and between the controller and the mesh."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ClientAuth = Literal["require", "optional"]


@dataclass(frozen=True, kw_only=True)
class DataPlaneTls:
    """Source of the mesh's certificate: a CA that the stack creates for it alone, or an existing Secret."""

    client_auth: ClientAuth | None = None
    """Whether clients must present a certificate. With the stack's own CA they present that of the mesh."""
    dns_names: Sequence[str] = ()
    """Additional DNS names of the mesh, such as those that clients outside the cluster use."""
    existing_secret: str | None = None
    """Secret with `tls.crt`, `tls.key` (PKCS8) and, for client certificates, `ca.crt`. It must exist in the
    controller's namespace and in each model namespace, and certify each Service as <service>.<namespace>."""


def service_names(service: str, namespaces: Sequence[str], more: Sequence[str]) -> list[str]:
    """DNS names (SANs) of the mesh certificate."""
    hosts = [f"{service}.{namespace}" for namespace in namespaces]
    full = [name for host in hosts for name in (host, f"{host}.svc", f"{host}.svc.cluster.local")]
    return [service, *full, *more, "localhost"]
