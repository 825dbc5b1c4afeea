"""The certificate of ModelMesh Serving's admission webhook: by a CA of its own, or by cert-manager."""

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
from ..upstream.upstream_resource import upstream_resource

_SECRET = "modelmesh-webhook-server-cert"  # noqa: S105  a name, not a secret

Issuer = Literal["own", "cert-manager"]


@dataclass(frozen=True, kw_only=True)
class WebhookCertificateArgs:
    """The Service in front of the webhook; `namespace_name` is the plain name, as it is signed into the certificate."""

    namespace: pulumi.Input[str]
    namespace_name: str
    service: str
    issuer: Issuer = "own"
    today: datetime.date = field(default_factory=today)


class WebhookCertificate(Component):
    """A TLS Secret, and how the API server comes to trust it: by a CA bundle, or by what cert-manager puts there."""

    secret_name: pulumi.Output[str]
    """Resolves when the Secret exists."""
    ca_bundle: pulumi.Output[str] | None
    """Base64 of the CA's PEM certificate; None where cert-manager writes it."""
    injected_from: str | None
    """The Certificate object from which cert-manager takes the CA."""

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
    """Upstream leaves the namespace, and the names that are certified, to kustomize."""
    placed = copy.deepcopy(document)
    placed["metadata"] |= {"namespace": args.namespace, "labels": LABELS}
    if placed["kind"] == "Certificate":
        placed["spec"]["dnsNames"] = _names(args)
        placed["metadata"]["annotations"] = {"pulumi.com/waitFor": "condition=Ready"}  # only then there is a Secret
    return placed


def _names(args: WebhookCertificateArgs) -> list[str]:
    host = f"{args.service}.{args.namespace_name}.svc"
    return [host, f"{host}.cluster.local"]
