"""Keys and certificates of one node, kept across restarts so that an issued kubeconfig stays valid.

The cluster and etcd have separate authorities, so that no client certificate of the cluster opens the store behind
it. Leaf certificates are reissued when they are about to expire or when their names have changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from embedded import files

_AUTHORITY_LIFE = timedelta(days=3650)
_LEAF_LIFE = timedelta(days=825)
_RENEW_BEFORE_END = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its private key, both PEM files."""

    certificate: Path
    key: Path

    def exists(self) -> bool:
        """Whether both files exist."""
        return self.certificate.exists() and self.key.exists()

    def write(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        """Write both files."""
        files.write(self.key, _private_pem(key))
        files.write(self.certificate, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)


def signing_key(folder: Path, name: str) -> Path:
    """Private key without a certificate (for service account tokens), created once."""
    path = folder / f"{name}.key"
    if not path.exists():
        files.write(path, _private_pem(ec.generate_private_key(ec.SECP256R1())))
    return path


class Authority:
    """Certificate authority in `folder`, created on first use."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.pair = _pair(folder, name)
        if not self.pair.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"modelmesh {name}")])
            builder = _builder(subject, subject, key.public_key(), _AUTHORITY_LIFE, authority=True)
            self.pair.write(key, builder.sign(key, hashes.SHA256()))

    def issue(self, name: str, user: str, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> Pair:
        """Leaf certificate for `user` in `groups`: a client's and, for `hosts` (names or addresses), a server's."""
        pair = _pair(self._folder, name)
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
        attributes += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name(attributes)
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        issuer = x509.load_pem_x509_certificate(self.pair.certificate.read_bytes())
        if pair.exists() and _still_good(pair, issuer, subject, names):
            return pair
        key = ec.generate_private_key(ec.SECP256R1())
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH] + [ExtendedKeyUsageOID.SERVER_AUTH] * bool(hosts)
        builder = _builder(subject, issuer.subject, key.public_key(), _LEAF_LIFE, authority=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if hosts:
            builder = builder.add_extension(names, critical=False)
        signer = serialization.load_pem_private_key(self.pair.key.read_bytes(), None)
        pair.write(key, builder.sign(cast(ec.EllipticCurvePrivateKey, signer), hashes.SHA256()))
        return pair


def _pair(folder: Path, name: str) -> Pair:
    return Pair(certificate=folder / f"{name}.crt", key=folder / f"{name}.key")


def _still_good(pair: Pair, issuer: x509.Certificate, subject: x509.Name, names: x509.SubjectAlternativeName) -> bool:
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):  # issued by another or an older authority
        return False
    try:
        current = set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        current = set()
    enough_life = certificate.not_valid_after_utc - datetime.now(UTC) > _RENEW_BEFORE_END
    return enough_life and certificate.subject == subject and current == set(names)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta, *, authority: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # tolerates a clock that is set back a little
        .not_valid_after(now + life)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(usage, critical=True)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
