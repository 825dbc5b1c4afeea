"""Checks of certificates and private keys in PEM form. No problem quotes one."""

from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .problem import FieldPath, Problem, Text
from .reading import text


def certificate_problems(path: FieldPath, pem: object) -> Iterator[Problem]:
    """Checks that a text is a certificate."""
    if text(pem) is not None and certificate_public_key(pem) is None:
        yield Problem(
            path, Text("not a certificate"), "the PEM text, which starts with -----BEGIN CERTIFICATE-----, not its path"
        )


def key_problems(path: FieldPath, pem: object) -> Iterator[Problem]:
    """Checks that a text is a private key without a password."""
    if text(pem) is not None and private_key_public_key(pem) is None:
        yield Problem(
            path,
            Text("not a private key without a password"),
            "the PEM text, which starts with -----BEGIN PRIVATE KEY-----, with real line ends instead of \\n",
        )


def certificate_public_key(pem: object) -> CertificatePublicKeyTypes | None:
    """The public key of a certificate; None if it is not known yet or not a certificate."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())[0].public_key() if isinstance(pem, str) else None
    except (UnsupportedAlgorithm, ValueError):
        return None


def private_key_public_key(pem: object) -> object | None:
    """The public key that belongs to a private key; None if that is not known yet or not a private key."""
    try:
        return load_pem_private_key(pem.encode(), password=None).public_key() if isinstance(pem, str) else None
    except (TypeError, UnsupportedAlgorithm, ValueError):  # a key with a password is a TypeError
        return None
