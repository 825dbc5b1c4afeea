"""Certificates: what is in them, who trusts them, and that a later day brings new ones."""

import base64
import datetime

import pulumi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from components.stores.certificate import Certificate, CertificateArgs, issued
from tests.unit.stack.engine import Run, run

NAMES = ["mesh", "mesh.models", "localhost"]
DAY = datetime.date(2026, 11, 22)
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105  a type


def made(day: datetime.date = DAY, names: list[str] = NAMES) -> Run:
    def program() -> None:
        args = CertificateArgs(namespace="models", secret_name="mesh-tls", dns_names=names, today=day)  # noqa: S106
        certificate = Certificate("tls", args)
        pulumi.export("secret", certificate.secret_name)
        pulumi.export("plain", certificate.plain_secret_name)
        pulumi.export("ca", certificate.ca)

    return run(program)


def test_the_certificate_is_for_all_names_as_server_and_client_and_signed_by_its_ca() -> None:
    pems = issued(NAMES, DAY)
    own, ca = x509.load_pem_x509_certificates(pems["tls.crt"].encode())
    assert ca == x509.load_pem_x509_certificate(pems["ca.crt"].encode())
    own.verify_directly_issued_by(ca)
    key = load_pem_private_key(pems["tls.key"].encode(), password=None)
    assert key.public_key() == own.public_key() != ca.public_key()
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == NAMES
    purposes = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {purpose.dotted_string for purpose in purposes} == {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}
    assert own.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_the_key_is_in_the_form_that_modelmesh_reads() -> None:
    assert issued(NAMES, DAY)["tls.key"].startswith("-----BEGIN PRIVATE KEY-----")


def test_a_certificate_lasts_past_the_half_year_after_its_renewal_is_due() -> None:
    own = x509.load_pem_x509_certificate(issued(NAMES, DAY)["tls.crt"].encode())
    assert own.not_valid_before_utc.date() <= DAY
    assert own.not_valid_after_utc.date() >= datetime.date(2028, 11, 20)


def test_long_names_do_not_break_the_subject() -> None:
    own = x509.load_pem_x509_certificate(issued(["x" * 200], DAY)["tls.crt"].encode())
    assert own.subject.rfc4514_string() == f"CN={'x' * 64}"


def test_the_secret_is_kept_and_named_by_the_half_year() -> None:
    run_ = made()
    secret = run_.one(SECRET)
    name = secret.inputs["metadata"]["name"]
    assert name.startswith("mesh-tls-2026h2-")
    assert run_.outputs["secret"] == run_.outputs["plain"] == name
    assert secret.inputs["type"] == "kubernetes.io/tls"
    assert set(secret.inputs["data"].values()) <= set(secret.secrets)
    assert run_.outputs["ca"] == base64.b64decode(secret.inputs["data"]["ca.crt"]).decode()


@pytest.mark.parametrize("day", [datetime.date(2026, 7, 1), datetime.date(2026, 12, 31)])
def test_within_a_half_year_nothing_changes(day: datetime.date) -> None:
    (now, later) = (made(when).one(SECRET) for when in (DAY, day))
    assert (now.urn, now.inputs["metadata"]) == (later.urn, later.inputs["metadata"])


@pytest.mark.parametrize(
    ("day", "names", "begin"),
    [
        (datetime.date(2027, 1, 1), NAMES, "mesh-tls-2027h1-"),
        (datetime.date(2026, 6, 30), NAMES, "mesh-tls-2026h1-"),
        (DAY, [*NAMES, "mesh.example.com"], "mesh-tls-2026h2-"),
    ],
)
def test_a_new_half_year_and_new_names_bring_another_secret(day: datetime.date, names: list[str], begin: str) -> None:
    former, other = made().one(SECRET), made(day, names).one(SECRET)
    assert other.inputs["metadata"]["name"].startswith(begin)
    assert other.inputs["metadata"]["name"] != former.inputs["metadata"]["name"]
    assert other.urn != former.urn  # so that the former one is deleted only when the new one is in its place
