"""A server certificate from a CA of its own, kept in a Secret, and renewed without any job in the background.

The CA's key is forgotten once it has signed: nothing else can be issued under a bundle that somebody trusts. The names
of the Secret and of its resource carry the half-year of issue, and a mark of the names that were certified: the first
`up` of a new half-year, or with other names, makes another Secret. Who mounts it follows, because its name is another,
and the former one goes when nobody needs it any more. A stack that sees no `up` for two years loses its certificate.
"""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..core.component import Component
from .kept_secret import KeptSecret, KeptSecretArgs

_VALIDITY = datetime.timedelta(days=730)
_CLOCK_SKEW = datetime.timedelta(days=1)


def today() -> datetime.date:
    """The day on which this program runs."""
    return datetime.datetime.now(datetime.UTC).date()


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """Whom it certifies. `secret_name` is the first part of the Secret's name."""

    namespace: pulumi.Input[str]
    secret_name: str
    dns_names: Sequence[str]
    """The first of them is also the subject."""
    today: datetime.date = field(default_factory=today)


class Certificate(Component):
    """A TLS Secret with `tls.crt` (the certificate, then the CA's), `tls.key` (PKCS8) and `ca.crt`."""

    secret_name: pulumi.Output[str]
    """Resolves when the Secret exists."""
    plain_secret_name: str

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:Certificate", name, {}, opts)
        issue = _issue(args)
        self.plain_secret_name = f"{args.secret_name}-{issue}"
        self._kept = KeptSecret(
            f"{name}-{issue}",
            KeptSecretArgs(
                namespace=args.namespace,
                secret_name=self.plain_secret_name,
                values=issued(args.dns_names, args.today),
                type="kubernetes.io/tls",
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.secret_name = self._kept.secret_name
        self.register_outputs({"secret_name": self.secret_name})

    @property
    def ca(self) -> pulumi.Output[str]:
        """The CA's certificate as PEM text; public by nature, hence no secret."""
        return pulumi.Output.unsecret(self._kept.value("ca.crt"))

    def values(self) -> dict[str, pulumi.Output[str]]:
        """The Secret's PEM texts by key, as secrets."""
        return {key: self._kept.value(key) for key in ("tls.crt", "tls.key", "ca.crt")}


def _issue(args: CertificateArgs) -> str:
    half = 1 if args.today.month <= 6 else 2
    mark = hashlib.sha256("\n".join(args.dns_names).encode()).hexdigest()[:8]
    return f"{args.today.year}h{half}-{mark}"


def issued(dns_names: Sequence[str], day: datetime.date) -> dict[str, str]:
    """A fresh CA certificate and a certificate for those names, as server and client: PEM texts by a Secret's keys."""
    ca_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, own_name = _named(f"CA of {dns_names[0]}"), _named(dns_names[0])
    signer = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        _unsigned(ca_name, ca_name, ca_key.public_key(), day)
        .add_extension(signer, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    # A client, too: the controller shows it to the mesh where that asks its clients for a certificate.
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    own = (
        _unsigned(own_name, ca_name, own_key.public_key(), day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in dns_names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(purposes, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    key = own_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    ca_pem, own_pem = (one.public_bytes(serialization.Encoding.PEM).decode() for one in (ca, own))
    return {"tls.crt": own_pem + ca_pem, "tls.key": key.decode(), "ca.crt": ca_pem}


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, day: datetime.date
) -> x509.CertificateBuilder:
    begin = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - _CLOCK_SKEW)
        .not_valid_after(begin + _VALIDITY)
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
