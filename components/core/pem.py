"""The rules for certificates and private keys as PEM texts. No problem quotes them."""

from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .reading import text


def certificate_problems(path: str, pem: object) -> Iterator[str]:
    """Complains of a text that is no certificate."""
    if text(pem) is not None and certified(pem) is None:
        yield f"{path}: not a certificate, expected PEM text from -----BEGIN CERTIFICATE----- on, not its path"


def key_problems(path: str, pem: object) -> Iterator[str]:
    """Complains of a text that is no private key, or one that nobody can read without its password."""
    if text(pem) is not None and public_half(pem) is None:
        yield (
            f"{path}: not a private key without a password, expected PEM text from -----BEGIN PRIVATE KEY----- on, "
            "with line ends as such and not as \\n"
        )


def certified(pem: object) -> CertificatePublicKeyTypes | None:
    """The public key of a certificate; None where that is not known or not one."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())[0].public_key() if isinstance(pem, str) else None
    except (UnsupportedAlgorithm, ValueError):
        return None


def public_half(pem: object) -> object | None:
    """The public key of a private one; None where that is not known or not one."""
    try:
        return load_pem_private_key(pem.encode(), password=None).public_key() if isinstance(pem, str) else None
    except (TypeError, UnsupportedAlgorithm, ValueError):  # a key with a password is a TypeError
        return None
