"""Certificate of ModelMesh Serving's admission webhook, from its own CA or from cert-manager."""

import base64
import copy
import datetime
from dataclasses import dataclass, field
from typing import Literal

import pulumi

from ..core.component import Component
from ..stores.certificate import Certificate, CertificateArgs, today
from ..upstream import Document, documents
from ..upstream.install_values import LABELS
from ..upstream.patches import WEBHOOK_SERVICE
from ..upstream.upstream_resource import upstream_resource

_SECRET = "modelmesh-webhook-server-cert"  # noqa: S105  a name, not a secret

Issuer = Literal["own", "cert-manager"]


@dataclass(frozen=True, kw_only=True)
class WebhookCertificateArgs:
    """Arguments of WebhookCertificate: the webhook's namespace and the issuer."""

    namespace: pulumi.Input[str]
    namespace_name: str
    """Name of that namespace as plain text, for the certificate's DNS names."""
    issuer: Issuer = "own"
    today: datetime.date = field(default_factory=today)


class WebhookCertificate(Component):
    """A TLS Secret for the webhook, and the CA by which the API server verifies it."""

    secret_name: pulumi.Output[str]
    """Name of the Secret; resolves when it exists."""
    ca_bundle: pulumi.Output[str] | None
    """CA certificate as base64 of its PEM text; None if cert-manager injects it."""
    injected_from: str | None
    """Certificate object (namespace/name) whose CA cert-manager injects; None for the component's own CA."""

    def __init__(self, name: str, args: WebhookCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:WebhookCertificate", name, {}, opts)
        if args.issuer == "own":
            own = Certificate(
                name,
                CertificateArgs(
                    namespace=args.namespace, secret_name=_SECRET, dns_names=_names(args), today=args.today
                ),
                pulumi.ResourceOptions(parent=self),
            )
            self.secret_name, self.injected_from = own.secret_name, None
            self.ca_bundle = own.ca.apply(lambda pem: base64.b64encode(pem.encode()).decode())
        else:
            self.secret_name = self._of_cert_manager(args)
            self.ca_bundle, self.injected_from = None, f"{args.namespace_name}/{_SECRET}"
        self.register_outputs({"secret_name": self.secret_name})

    def _of_cert_manager(self, args: WebhookCertificateArgs) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        made = [upstream_resource(_placed(document, args), child) for document in documents("certmanager")]
        return pulumi.Output.all(*(each.urn for each in made)).apply(lambda _: _SECRET)


def _placed(document: Document, args: WebhookCertificateArgs) -> Document:
    """Set the namespace and the DNS names, which upstream leaves to kustomize."""
    placed = copy.deepcopy(document)
    placed["metadata"] |= {"namespace": args.namespace, "labels": LABELS}
    if placed["kind"] == "Certificate":
        placed["spec"]["dnsNames"] = _names(args)
        placed["metadata"]["annotations"] = {"pulumi.com/waitFor": "condition=Ready"}  # The Secret exists only then.
    return placed


def _names(args: WebhookCertificateArgs) -> list[str]:
    host = f"{WEBHOOK_SERVICE}.{args.namespace_name}.svc"
    return [host, f"{host}.cluster.local"]
