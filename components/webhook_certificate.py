"""The certificate of ModelMesh Serving's admission webhook, issued by a CA of its own, so no cert-manager is needed.

The CA's key is forgotten once it has signed: nothing else can be issued under the bundle that the API server trusts.
"""

import base64
import datetime
from dataclasses import dataclass

import pulumi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .kept_secret import KeptSecret, KeptSecretArgs

_VALIDITY = datetime.timedelta(days=3650)
"""Long, because it is kept for the life of the installation and trusted by that one webhook configuration only."""

_CLOCK_SKEW = datetime.timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class WebhookCertificateArgs:
    """The Service in front of the webhook; `namespace_name` is the plain name, as it is signed into the certificate."""

    namespace: pulumi.Input[str]
    namespace_name: str
    service: str


class WebhookCertificate(pulumi.ComponentResource):
    """A kept TLS Secret and the CA bundle that belongs to it."""

    secret_name: pulumi.Output[str]
    ca_bundle: pulumi.Output[str]
    """Base64 of the CA's PEM certificate; public by nature, hence no secret."""

    def __init__(self, name: str, args: WebhookCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:WebhookCertificate", name, {}, opts)
        kept = KeptSecret(
            f"{name}-{args.namespace_name}",  # another namespace needs another certificate
            KeptSecretArgs(
                namespace=args.namespace,
                secret_name="modelmesh-webhook-server-cert",  # noqa: S106  a name, not a secret
                values=issued(args.service, args.namespace_name),
                type="kubernetes.io/tls",
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.secret_name = kept.secret_name
        self.ca_bundle = pulumi.Output.unsecret(kept.value("ca.crt")).apply(
            lambda pem: base64.b64encode(pem.encode()).decode()
        )
        self.register_outputs({"secret_name": self.secret_name, "ca_bundle": self.ca_bundle})


def issued(service: str, namespace: str) -> dict[str, str]:
    """A fresh CA certificate and a server certificate for the Service's names: PEM text under a TLS Secret's keys."""
    names = [f"{service}.{namespace}.svc", f"{service}.{namespace}.svc.cluster.local"]
    ca_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ModelMesh Serving webhook CA")])
    ca = (
        _unsigned(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, service)])
    server = (
        _unsigned(server_name, ca_name, server_key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(dns) for dns in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = serialization.Encoding.PEM
    return {
        "tls.crt": server.public_bytes(pem).decode(),
        "tls.key": key.decode(),
        "ca.crt": ca.public_bytes(pem).decode(),
    }


def _unsigned(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _VALIDITY)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
