"""Certificate authorities of the stack, and the certificates that they sign: the only x509 code of this package.

Keys are P-256, private keys PKCS8 (ModelMesh's Java server reads no other form), everything is PEM text.
"""

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CLOCK_SKEW = datetime.timedelta(days=1)
AUTHORITY_LIFE = datetime.timedelta(days=20 * 365)
_LONGEST_COMMON_NAME = 64


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A certificate and its private key."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Authority(KeyPair):
    """A certificate authority with its key."""

    @classmethod
    def new(cls, name: str, begin: datetime.date) -> Self:
        """Generate an authority for twenty years; it signs certificates, but no further authorities."""
        key, subject = ec.generate_private_key(ec.SECP256R1()), _named(name)
        certificate = (
            _builder(subject, subject, key.public_key(), begin, begin + AUTHORITY_LIFE)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate=_pem(certificate), key=_key_pem(key))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `json` returned."""
        return cls(**json.loads(text))

    def json(self) -> str:
        """Certificate and key as one text."""
        return json.dumps({"certificate": self.certificate, "key": self.key})

    def issue(
        self, name: str, dns_names: Sequence[str], *, begin: datetime.date, end: datetime.date, server: bool = True
    ) -> KeyPair:
        """Sign a certificate for a new key: for a client and, unless `server` is false, for a server with these names.

        A server's certificate is for clients, too: the controller shows the mesh's own to the mesh, and etcd's gateway
        shows etcd's own to etcd.
        """
        authority = x509.load_pem_x509_certificate(self.certificate.encode())
        signer = cast("ec.EllipticCurvePrivateKey", load_pem_private_key(self.key.encode(), password=None))
        key = ec.generate_private_key(ec.SECP256R1())
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH] * server + [ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = (
            _builder(_named(name), authority.subject, key.public_key(), begin, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if dns_names:
            names = x509.SubjectAlternativeName([x509.DNSName(each) for each in dns_names])
            builder = builder.add_extension(names, critical=False)
        return KeyPair(certificate=_pem(builder.sign(signer, hashes.SHA256())), key=_key_pem(key))


def split(pem: str) -> list[str]:
    """The certificates of a bundle, one text each, in their order."""
    return [_pem(each) for each in x509.load_pem_x509_certificates(pem.encode())] if pem else []


def bundle(*pems: str) -> str:
    """The certificates of several texts, each once."""
    return "".join(dict.fromkeys(certificate for pem in pems for certificate in split(pem)))


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:_LONGEST_COMMON_NAME])])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime.date, end: datetime.date
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_midnight(begin) - _CLOCK_SKEW)
        .not_valid_after(_midnight(end))
    )


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


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
