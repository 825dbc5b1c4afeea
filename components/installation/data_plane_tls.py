"""TLS between clients and the mesh, and between the controller and the mesh."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ClientAuth = Literal["require", "optional"]


@dataclass(frozen=True, kw_only=True)
class DataPlaneTls:
    """A certificate of the stack's own, by a CA that signs nothing else, or a Secret that somebody else keeps."""

    client_auth: ClientAuth | None = None
    """Whether clients have to show a certificate. With the stack's own they show the same as the mesh does."""
    dns_names: Sequence[str] = ()
    """Names beside those of the Services, under which clients from elsewhere reach them."""
    existing_secret: str | None = None
    """A Secret with `tls.crt`, `tls.key` (PKCS8) and, for clients' certificates, `ca.crt`. It has to be in the
    controller's and in every model namespace, and to certify each Service as <service>.<namespace>."""


def service_names(service: str, namespaces: Sequence[str], more: Sequence[str]) -> list[str]:
    """Every name under which somebody calls the mesh: the controller by the second, its own REST proxy by the last."""
    hosts = [f"{service}.{namespace}" for namespace in namespaces]
    full = [name for host in hosts for name in (host, f"{host}.svc", f"{host}.svc.cluster.local")]
    return [service, *full, *more, "localhost"]
