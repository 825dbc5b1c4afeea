"""A server certificate of the stack's CA, renewed by updates instead of background jobs.

The CA is generated once and stays in the stack's state, as an encrypted secret; it never gets into the cluster. Clients
that trust it continue to do so when a certificate is renewed or gets other DNS names.

The first update of each half-year issues a new certificate. The name of its Secret contains the half-year, so pods that
mount it are updated, and then the former Secret is deleted. A preview shows no renewal, since a date is not drift, but
a warning that the next update renews. Only from half a year before the certificate can expire, the renewal is a change
in the preview as well.
"""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi

from ..core.component import Component
from . import pki
from .generated_secret import GeneratedSecret, GeneratedSecretArgs
from .half_year import HalfYear

_KEYS = ("tls.crt", "tls.key", "ca.crt")
_VALIDITY = datetime.timedelta(days=730)
_VALID = 3
"""Number of half-years, after that of its issue, in which a certificate is still valid."""
_PREVIEWED = 2
"""Number of those half-years in which a preview continues with it; in the last one, its renewal is a change."""


def today() -> datetime.date:
    """Return the day on which this program runs."""
    return datetime.datetime.now(datetime.UTC).date()


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """The names that are certified. `secret_name` is the first part of the Secret's name."""

    namespace: pulumi.Input[str]
    secret_name: str
    dns_names: Sequence[str]
    """The first one is also the subject."""
    today: datetime.date = field(default_factory=today)


class Certificate(Component):
    """A TLS Secret with `tls.crt` (the certificate, then the authorities), `tls.key` (PKCS8) and `ca.crt`."""

    secret_name: pulumi.Output[str]
    """Resolves when the Secret exists."""
    ca: pulumi.Output[str]
    """The authorities to trust, as PEM text: public by nature, hence no secret."""

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:Certificate", name, {}, opts)
        self._name, self._args = name, args
        generated = pki.Authority.new(f"CA of {args.dns_names[0]}", args.today)
        authority = self._stash("authority", pulumi.Output.secret(generated.json()))
        # An update records the half-year, a preview goes by what is recorded.
        recorded = self._stash("issue", str(HalfYear.of(args.today)), kept=pulumi.runtime.is_dry_run())
        known = pulumi.Output.all(authority.output, recorded.input, recorded.output)
        self._issued: pulumi.Output[dict[str, str]] = known.apply(
            lambda values: self._issue(*map(str, values), adopt=values[0] == generated.json())
        )
        self.secret_name = pulumi.Output.unsecret(self._issued["name"])
        self.ca = pulumi.Output.unsecret(self._issued["ca"])
        self.register_outputs({"secret_name": self.secret_name})

    def values(self) -> dict[str, pulumi.Output[str]]:
        """The Secret's PEM texts by key, as secrets."""
        return {key: self._issued[key] for key in _KEYS}

    def _issue(self, authority: str, recorded: str, first: str, *, adopt: bool) -> pulumi.Output[dict[str, str]]:
        """Register the Secret of the recorded half-year, or of this one if that certificate is near its end.

        Args:
            authority: The stack's authority, as JSON.
            recorded: The half-year of the latest update.
            first: The half-year of the first update.
            adopt: Whether this is the first update.
        """
        due, issue, signer = HalfYear.of(self._args.today), HalfYear.parse(recorded), pki.Authority.from_json(authority)
        if issue != due:
            pulumi.log.warn(
                f"The certificate of {self._args.dns_names[0]} was issued in {issue}, and it is {due} now: "
                "the next update renews it, by the same authority, and restarts the pods that use it.",
                resource=self,
            )
            issue = issue if issue.later(_PREVIEWED) >= due else due
        if str(issue) != first:
            former = self._stash("former-authority", "").output
            return former.apply(lambda pem: self._known(self._secret(issue, signer, str(pem)), signer, pem))
        # The first certificate of a stack that an earlier version made is by an authority whose key was not kept. It is
        # used until the next renewal, so that clients get `ca` in time, and its authority is trusted for good.
        secret = self._secret(issue, signer, adopt=adopt)
        chain = secret.value("tls.crt").apply(lambda pem: "".join(pki.split(pem)[1:]))
        return self._known(secret, signer, self._stash("former-authority", pulumi.Output.unsecret(chain)).output)

    def _known(
        self, secret: GeneratedSecret, signer: pki.Authority, former: pulumi.Input[str]
    ) -> pulumi.Output[dict[str, str]]:
        ca = pulumi.Output.from_input(former).apply(lambda pem: pki.bundle(signer.certificate, pem))
        return pulumi.Output.all(name=secret.secret_name, ca=ca, **{key: secret.value(key) for key in _KEYS})

    def _secret(
        self, issue: HalfYear, signer: pki.Authority, former: str = "", *, adopt: bool = False
    ) -> GeneratedSecret:
        args, trusted = self._args, pki.bundle(signer.certificate, former)
        pair = signer.issue(args.dns_names[0], args.dns_names, begin=args.today, end=args.today + _VALIDITY)
        mark = hashlib.sha256("\n".join(args.dns_names).encode()).hexdigest()[:8]
        # An earlier version's certificate of any half-year is adopted. The stack's CA is added to its own, so that the
        # mesh accepts certificates of either at the next renewal.
        earlier = [f"{self._name}-{issue.later(-count)}-{mark}" for count in range(1, _VALID + 1) if adopt]
        return GeneratedSecret(
            f"{self._name}-{issue}-{mark}",
            GeneratedSecretArgs(
                namespace=args.namespace,
                secret_name=f"{args.secret_name}-{issue}-{mark}",
                values={"tls.crt": pair.certificate + trusted, "tls.key": pair.key, "ca.crt": trusted},
                adopted=["tls.crt", "tls.key"] if adopt else [],
                type="kubernetes.io/tls",
            ),
            pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(name=each) for each in earlier]),
        )

    def _stash(self, name: str, value: pulumi.Input[str], *, kept: bool = True) -> pulumi.Stash:
        """A value in the stack's state: `output` is the first one, `input` the latest one unless that is kept, too."""
        child = pulumi.ResourceOptions(parent=self, ignore_changes=["input"] if kept else None)
        return pulumi.Stash(f"{self._name}-{name}", input=value, opts=child)
