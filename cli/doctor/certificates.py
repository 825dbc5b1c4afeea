"""Section of the certificates in Secrets: how many days each is still valid."""

import base64
import datetime
from collections.abc import Iterator

from cryptography import x509

from cli.doctor.api import Identity, Object
from cli.doctor.commands import Commands
from cli.doctor.findings import Finding, Line, Section, Severity, Step
from cli.doctor.observation import Observation

_SOON_DAYS = 30


def certificates(observation: Observation, commands: Commands) -> Section:
    """Examine the certificates of the stack and of its pods, without their keys."""
    own = {each.identity for each in observation.applied}
    ends = {key: end for key, secret in sorted(observation.secrets.items()) if (end := _end(secret))}
    findings = tuple(
        _finding(commands, key, days, own=key in own)
        for key, end in ends.items()
        if (days := _days(observation, end)) < _SOON_DAYS
    )
    return Section(
        title="Certificates", lines=tuple(_line(observation, *each) for each in ends.items()), findings=findings
    )


def _end(secret: Object) -> datetime.datetime | None:
    """Return when a certificate of the Secret expires first; None if it holds none."""
    return min((each.not_valid_after_utc for each in _certificates(secret)), default=None)


def _certificates(secret: Object) -> Iterator[x509.Certificate]:
    """Return the first certificate of each text; others are of authorities, some of which are kept from before."""
    for key, value in (secret.get("data") or {}).items():
        if key.endswith(".crt"):
            try:
                yield x509.load_pem_x509_certificates(base64.b64decode(value))[0]
            except ValueError:
                continue


def _days(observation: Observation, end: datetime.datetime) -> int:
    return (end - observation.now).days


def _severity(days: int) -> Severity:
    return Severity.ERROR if days < 0 else Severity.WARNING if days < _SOON_DAYS else Severity.WELL


def _line(observation: Observation, key: Identity, end: datetime.datetime) -> Line:
    days = _days(observation, end)
    text = f"expired {end:%Y-%m-%d}" if days < 0 else f"{days:,} days left, until {end:%Y-%m-%d}"
    return Line(name=key.name, text=text, severity=_severity(days), facts={"daysLeft": days})


def _finding(commands: Commands, key: Identity, days: int, *, own: bool) -> Finding:
    problem = (
        "its certificate has expired, so TLS with it fails" if days < 0 else f"its certificate expires in {days} days"
    )
    renewed = Step(text="Renew it with an update", command=commands.make("up"))
    managers = "--output=jsonpath={.metadata.managedFields[*].manager}"
    show = commands.kubectl("get", "secret", key.name, f"--namespace={key.namespace}", managers)
    other = Step(text="Renew it where it comes from; the stack only uses it", command=show)
    return Finding(severity=_severity(days), subject=str(key), problem=problem, steps=(renewed if own else other,))
