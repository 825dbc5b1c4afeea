"""Certificates: what is in them, who trusts them, and what an update and a preview make of a later day."""

import base64
import datetime
from typing import Any

import pulumi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from components.stores import pki
from components.stores.certificate import Certificate, CertificateArgs
from components.stores.half_year import HalfYear
from tests.unit.stack.engine import Run, run

NAMES = ["mesh", "mesh.models", "localhost"]
DAY = datetime.date(2026, 11, 22)
NEXT_HALF = datetime.date(2027, 1, 1)
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105  a type
STASH = "pulumi:index:Stash"
AUTHORITY = pki.Authority.new("CA", DAY)
FORMER = pki.Authority.new("CA of an earlier version", DAY)
KEPT: dict[str, Any] = {
    "tls-authority": AUTHORITY.json(),
    "tls-issue": "2026h2",
    "tls-former-authority": AUTHORITY.certificate,
}


def made(
    day: datetime.date = DAY,
    names: list[str] = NAMES,
    kept: dict[str, Any] | None = None,
    *,
    preview: bool = False,
) -> Run:
    def program() -> None:
        args = CertificateArgs(namespace="models", secret_name="mesh-tls", dns_names=names, today=day)  # noqa: S106
        certificate = Certificate("tls", args)
        pulumi.export("secret", certificate.secret_name)
        pulumi.export("ca", certificate.ca)
        pulumi.export("key", certificate.values()["tls.key"])

    return run(program, kept=kept, preview=preview)


def text(found: Run, key: str) -> str:
    return base64.b64decode(found.one(SECRET).inputs["data"][key]).decode()


def leaf(found: Run) -> x509.Certificate:
    return x509.load_pem_x509_certificates(text(found, "tls.crt").encode())[0]


def identity(found: Run) -> Any:
    secret = found.one(SECRET)
    return secret.urn, secret.inputs["metadata"]


def test_the_certificate_is_for_all_names_as_server_and_client_and_signed_by_the_authority() -> None:
    found = made(kept=KEPT)
    own, ca = x509.load_pem_x509_certificates(text(found, "tls.crt").encode())
    own.verify_directly_issued_by(ca)
    assert text(found, "ca.crt") == AUTHORITY.certificate == found.outputs["ca"]
    key = load_pem_private_key(text(found, "tls.key").encode(), password=None)
    assert key.public_key() == own.public_key() != ca.public_key()
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == NAMES
    purposes = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {purpose.dotted_string for purpose in purposes} == {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}


def test_an_authority_signs_certificates_but_no_authorities() -> None:
    own, ca = x509.load_pem_x509_certificates(text(made(), "tls.crt").encode())
    for each, is_authority in ((own, False), (ca, True)):
        constraints = each.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert (constraints.ca, constraints.path_length) == (is_authority, 0 if is_authority else None)
        usage = each.extensions.get_extension_for_class(x509.KeyUsage).value
        assert (usage.key_cert_sign, usage.digital_signature) == (is_authority, not is_authority)


def test_the_key_is_in_the_form_that_modelmesh_reads() -> None:
    assert text(made(), "tls.key").startswith("-----BEGIN PRIVATE KEY-----")


def test_a_certificate_is_valid_for_two_years_and_its_authority_for_twenty() -> None:
    own, ca = leaf(made(kept=KEPT)), x509.load_pem_x509_certificate(AUTHORITY.certificate.encode())
    assert own.not_valid_before_utc.date() <= DAY
    assert own.not_valid_after_utc.date() == datetime.date(2028, 11, 21)
    assert ca.not_valid_after_utc.year == 2046


def test_long_names_do_not_break_the_subject() -> None:
    assert leaf(made(names=["x" * 200])).subject.rfc4514_string() == f"CN={'x' * 64}"


def test_keys_are_secret_and_the_authoritys_key_is_in_no_secret_of_the_cluster() -> None:
    found = made()
    secret = found.one(SECRET)
    assert secret.inputs["metadata"]["name"].startswith("mesh-tls-2026h2-")
    assert secret.inputs["type"] == "kubernetes.io/tls"
    assert set(secret.inputs["data"].values()) <= set(secret.secrets)
    assert secret.inputs["data"].keys() == {"tls.crt", "tls.key", "ca.crt"}
    (authority,) = [stash for stash in found.of(STASH) if stash.name == "tls-authority"]
    assert authority.secrets == (authority.inputs["input"],)
    assert authority.ignore_changes == ("input",)


def test_a_renewal_keeps_the_authority_and_makes_another_secret_before_the_former_one_goes() -> None:
    before, after = made(kept=KEPT), made(NEXT_HALF, kept=KEPT)
    assert after.one(SECRET).inputs["metadata"]["name"].startswith("mesh-tls-2027h1-")
    assert identity(before)[0] != identity(after)[0]
    assert leaf(before) != leaf(after)
    assert before.outputs["ca"] == after.outputs["ca"] == text(after, "ca.crt") == AUTHORITY.certificate
    leaf(after).verify_directly_issued_by(x509.load_pem_x509_certificate(AUTHORITY.certificate.encode()))


def test_other_names_make_another_secret_by_the_same_authority() -> None:
    before, after = made(kept=KEPT), made(names=[*NAMES, "mesh.example.com"], kept=KEPT)
    assert identity(before)[0] != identity(after)[0]
    assert before.outputs["ca"] == after.outputs["ca"]


@pytest.mark.parametrize("day", [datetime.date(2026, 7, 1), datetime.date(2026, 12, 31)])
def test_within_a_half_year_an_update_changes_nothing(day: datetime.date) -> None:
    assert identity(made(kept=KEPT)) == identity(made(day, kept=KEPT))


@pytest.mark.parametrize("preview", [False, True])
def test_the_half_year_of_the_latest_update_is_recorded_and_that_of_a_preview_is_not(preview: bool) -> None:
    (issue,) = [stash for stash in made(kept=KEPT, preview=preview).of(STASH) if stash.name == "tls-issue"]
    assert issue.ignore_changes == (("input",) if preview else ())


@pytest.mark.parametrize("day", [NEXT_HALF, datetime.date(2027, 12, 31)])
def test_a_preview_shows_no_renewal_but_warns_of_it(day: datetime.date, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, **_: warnings.append(message))
    assert identity(made(day, kept=KEPT, preview=True)) == identity(made(kept=KEPT))
    (warning,) = warnings
    assert "mesh was issued in 2026h2" in warning
    assert "next update renews it" in warning


def test_a_preview_shows_the_renewal_half_a_year_before_a_certificate_can_expire() -> None:
    first = made(datetime.date(2026, 7, 1), kept=KEPT)
    half_a_year_before = datetime.date(2028, 1, 1)
    assert leaf(first).not_valid_after_utc.date() - half_a_year_before > datetime.timedelta(days=180)
    found = made(half_a_year_before, kept=KEPT, preview=True)
    assert found.one(SECRET).inputs["metadata"]["name"].startswith("mesh-tls-2028h1-")


def test_a_changed_certificate_is_restored_after_the_first_update() -> None:
    later = made(kept=KEPT)
    secret = later.one(SECRET)
    kept = next(stash for stash in later.of(STASH) if stash.name == secret.name)
    assert secret.ignore_changes == ()
    assert kept.ignore_changes == ("input",)
    values = {"tls.crt": FORMER.certificate, "tls.key": "key", "ca.crt": "ca"}
    again = made(kept=KEPT | {kept.name: values})
    assert {key: text(again, key) for key in values} == values


def test_the_certificate_of_an_earlier_version_is_adopted_and_its_authority_stays_trusted() -> None:
    adopting = made()
    assert adopting.one(SECRET).ignore_changes == ('data["tls.crt"]', 'data["tls.key"]')
    stash = next(stash for stash in adopting.of(STASH) if stash.name == adopting.one(SECRET).name)
    assert stash.inputs["input"] == {key: text(adopting, key) for key in ("tls.crt", "tls.key", "ca.crt")}
    (former,) = [stash for stash in adopting.of(STASH) if stash.name == "tls-former-authority"]
    assert former.inputs["input"] == text(adopting, "ca.crt")
    assert adopting.one(SECRET).urn in stash.dependencies, "it keeps what the Secret has"
    component = adopting.one("modelmesh:index:KeptSecret")
    earlier = "0193cdbc"
    assert [f"tls-{half}-{earlier}" for half in ("2026h1", "2025h2", "2025h1")] == list(component.aliases)
    renewed = made(NEXT_HALF, kept=KEPT | {"tls-former-authority": FORMER.certificate})
    assert not renewed.one("modelmesh:index:KeptSecret").aliases
    both = AUTHORITY.certificate + FORMER.certificate
    assert text(renewed, "ca.crt") == renewed.outputs["ca"] == both
    assert text(renewed, "tls.crt").endswith(both)
    leaf(renewed).verify_directly_issued_by(x509.load_pem_x509_certificate(AUTHORITY.certificate.encode()))


@pytest.mark.parametrize(
    ("start", "count", "end"), [("2026h2", 1, "2027h1"), ("2026h2", -1, "2026h1"), ("2026h1", -3, "2024h2")]
)
def test_half_years_are_counted(start: str, count: int, end: str) -> None:
    assert str(HalfYear.parse(start).later(count)) == end


@pytest.mark.parametrize(("month", "half"), [(1, 1), (6, 1), (7, 2), (12, 2)])
def test_the_second_half_of_a_year_begins_with_july(month: int, half: int) -> None:
    assert HalfYear.of(datetime.date(2026, month, 30)) == (2026, half)
