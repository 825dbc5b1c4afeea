"""TLS of the gRPC port and of calls between pods, if configured, and a self-signed certificate for metrics."""

import datetime
import os
import ssl

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from . import NAME
from .settings import TlsSettings


def server_credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    """Credentials of the gRPC port."""
    pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
    return grpc.ssl_server_credentials([pair], _trusted(tls), require_client_auth=tls.client_auth)


def peer_channel(address: str, tls: TlsSettings | None, options: list[tuple[str, int | str]]) -> grpc.aio.Channel:
    """Channel to another pod, which is trusted because all pods of a service share one certificate."""
    if tls is None:
        return grpc.aio.insecure_channel(address, options=options)
    certificate = tls.certificate.read_bytes()
    credentials = grpc.ssl_channel_credentials(_trusted(tls), tls.key.read_bytes(), certificate)
    # Pods are called by address, which the certificate does not contain.
    return grpc.aio.secure_channel(
        address, credentials, options=[*options, ("grpc.ssl_target_name_override", _name(certificate))]
    )


def self_signed() -> ssl.SSLContext:
    """TLS context with a new certificate for the metrics port, in memory only, as the file system may be read-only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with os.fdopen(os.memfd_create(NAME), "wb") as file:  # the ssl module only reads certificates from paths
        file.write(pem)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context


def _trusted(tls: TlsSettings) -> bytes:
    return b"\n".join(path.read_bytes() for path in (tls.certificate, *tls.trust))


def _name(certificate: bytes) -> str:
    parsed = x509.load_pem_x509_certificate(certificate)
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if dns := names.get_values_for_type(x509.DNSName):
            return dns[0].replace("*", "peer", 1)
    except x509.ExtensionNotFound:
        pass
    return str(parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
