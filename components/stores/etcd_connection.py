"""How ModelMesh Serving reaches its etcd: one of the stack's own, or one that is there already.

Two programs read it, the controller's Go client and the mesh's Java client. What either of them takes another way than
the other, or only logs, is refused here. Certificates and keys stand in it as text: upstream's references to other keys
of the Secret are lost in the copies that the controller makes for model namespaces.
"""

import ipaddress
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pulumi

from ..core.names_and_quantities import HIGHEST_PORT, shown
from ..core.pem import certificate_problems, certified, key_problems, public_half

_ENDPOINT = re.compile(r"(?P<scheme>https?)://(?P<host>[a-zA-Z0-9.-]+):(?P<port>\d{1,5})")
_AUTHORITY = re.compile(r"[a-zA-Z0-9.-]+(:\d{1,5})?")
_TLS_FIELDS = ("certificate", "client_certificate", "client_key")
_KEYS = {"user": "userid"}
"""Names in upstream's JSON, where they are not ours."""


@dataclass(frozen=True, kw_only=True)
class EtcdConnection:
    """Everything that the Secret `model-serving-etcd` can say."""

    endpoints: pulumi.Input[Sequence[str]] = field(repr=False)
    """URLs with a port, all http or all https, by names that resolve in every namespace."""
    root_prefix: str
    """What this installation's keys begin with; installations that share an etcd need one each."""
    user: pulumi.Input[str] | None = field(default=None, repr=False)
    password: pulumi.Input[str] | None = field(default=None, repr=False)
    certificate: pulumi.Input[str] | None = None
    """PEM of the CA that etcd's certificate is to be trusted by; None: the system's own CAs."""
    client_certificate: pulumi.Input[str] | None = None
    """PEM of the certificate by which etcd knows its client."""
    client_key: pulumi.Input[str] | None = field(default=None, repr=False)
    """PEM of its private key, as PKCS8."""
    override_authority: pulumi.Input[str] | None = None
    """The name that etcd's certificate is for, where it is not the endpoints'."""

    def text(self) -> pulumi.Output[str]:
        """The JSON text of the Secret's key `etcd_connection`, as a secret."""
        fields = ("root_prefix", "user", "password", *_TLS_FIELDS, "override_authority")
        given = {_KEYS.get(name, name): value for name in fields if (value := getattr(self, name)) is not None}
        known = pulumi.Output.all(endpoints=pulumi.Output.from_input(self.endpoints).apply(",".join), **given)
        return pulumi.Output.secret(known.apply(lambda values: json.dumps(values, sort_keys=True)))

    def problems(self) -> list[str]:
        """What cannot work, each as "field: value, what is expected"; what is not known yet is not looked at."""
        return [*self._endpoint_problems(), *self._credential_problems(), *self._pem_problems(), *self._name_problems()]

    def _endpoint_problems(self) -> Iterator[str]:
        endpoints = self.endpoints
        if isinstance(endpoints, str):  # which is a sequence of texts, too
            yield "endpoints: one text, expected a list of URLs"
        elif isinstance(endpoints, Sequence):
            if not endpoints:
                yield "endpoints: empty, expected one or more URLs like https://etcd.example.com:2379"
            for index, endpoint in enumerate(endpoints):
                yield from _url_problems(f"endpoints[{index}]", endpoint)
            schemes = {endpoint.partition("://")[0] for endpoint in endpoints} & {"http", "https"}
            if len(schemes) > 1:
                yield "endpoints: http and https, expected one scheme: any one decides on TLS"
            if schemes == {"http"}:
                for name in self._given(*_TLS_FIELDS):
                    yield f"{name}: given, but the endpoints are http; expected https endpoints for TLS"

    def _credential_problems(self) -> Iterator[str]:
        for pair in (("user", "password"), ("client_certificate", "client_key")):
            if len(given := self._given(*pair)) == 1:
                (missing,) = set(pair) - set(given)
                yield f"{missing}: missing, expected both {pair[0]} and {pair[1]}, or neither"
        for name in ("user", "password"):
            if getattr(self, name) == "":
                yield f"{name}: empty, expected some text"

    def _pem_problems(self) -> Iterator[str]:
        yield from certificate_problems("certificate", self.certificate)
        yield from certificate_problems("client_certificate", self.client_certificate)
        yield from key_problems("client_key", self.client_key)
        other, own = certified(self.client_certificate), public_half(self.client_key)
        if own and "-----BEGIN PRIVATE KEY-----" not in str(self.client_key):
            made = "what `openssl pkcs8 -topk8 -nocrypt` makes of it"
            yield f"client_key: not PKCS8, which the mesh needs; expected {made}"
        if other and own and other != own:
            yield "client_key: belongs to another certificate, expected the key of client_certificate"

    def _name_problems(self) -> Iterator[str]:
        prefix, authority = self.root_prefix, self.override_authority
        if not prefix or prefix != prefix.strip("/ "):
            yield f"root_prefix: {prefix!r}, expected this installation's own prefix, without / at its ends"
        if isinstance(authority, str) and not _AUTHORITY.fullmatch(authority):
            yield f"override_authority: {shown(authority)}, expected a host name"

    def _given(self, *names: str) -> list[str]:
        return [name for name in names if getattr(self, name) is not None]


def _url_problems(path: str, endpoint: str) -> Iterator[str]:
    if "@" in endpoint:
        yield f"{path}: holds a user, expected the fields user and password instead"
        return
    url = _ENDPOINT.fullmatch(endpoint)
    if url is None or not 0 < int(url["port"]) <= HIGHEST_PORT:
        yield f"{path}: {shown(endpoint)}, expected http(s)://<host name or IPv4 address>:<port> and nothing more"
    elif "." not in url["host"].strip("."):
        yield (
            f"{path}: {endpoint!r}, expected a name with its namespace, like {url['host']}.<namespace>.svc: "
            "pods of other namespaces look it up, too"
        )
    elif url["host"].replace(".", "").isdigit() and not _is_address(url["host"]):
        yield f"{path}: {endpoint!r}, expected an IPv4 address of four numbers up to 255"


def _is_address(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
