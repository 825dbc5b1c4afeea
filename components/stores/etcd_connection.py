"""Connection of ModelMesh Serving to its etcd: one that the stack runs, or an existing one.

Both the controller's Go client and the mesh's Java client read it; values that one of them only logs, or that they read
differently, are problems. Certificates and keys are given as text: references to other keys of the Secret, which
upstream supports, are lost in the copies that the controller makes for model namespaces.
"""

import ipaddress
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pulumi

from ..core.names_and_quantities import HIGHEST_PORT
from ..core.pem import certificate_problems, certificate_public_key, key_problems, private_key_public_key
from ..core.problem import MISSING, ROOT, FieldPath, Problem, Text

_ENDPOINT = re.compile(r"(?P<scheme>https?)://(?P<host>[a-zA-Z0-9.-]+):(?P<port>\d{1,5})")
_AUTHORITY = re.compile(r"[a-zA-Z0-9.-]+(:\d{1,5})?")
_TLS_FIELDS = ("certificate", "client_certificate", "client_key")
_KEYS = {"user": "userid"}
"""Names of fields in upstream's JSON, if they differ."""


@dataclass(frozen=True, kw_only=True)
class EtcdConnection:
    """Content of the Secret `model-serving-etcd`."""

    endpoints: pulumi.Input[Sequence[str]] = field(repr=False)
    """URLs with a port, all http or all https, with host names that resolve in every namespace."""
    root_prefix: str
    """Prefix of this installation's keys; installations that share an etcd need different ones."""
    user: pulumi.Input[str] | None = field(default=None, repr=False)
    password: pulumi.Input[str] | None = field(default=None, repr=False)
    certificate: pulumi.Input[str] | None = None
    """PEM text of the CA that signed etcd's certificate; None means the system's CAs."""
    client_certificate: pulumi.Input[str] | None = None
    """PEM text of the certificate that the client presents to etcd."""
    client_key: pulumi.Input[str] | None = field(default=None, repr=False)
    """PEM text of the client's private key, as PKCS8."""
    override_authority: pulumi.Input[str] | None = None
    """Host name in etcd's certificate, if it differs from the endpoints."""

    def text(self) -> pulumi.Output[str]:
        """JSON text for the Secret's key `etcd_connection`, as a Pulumi secret."""
        fields = ("root_prefix", "user", "password", *_TLS_FIELDS, "override_authority")
        given = {_KEYS.get(name, name): value for name in fields if (value := getattr(self, name)) is not None}
        known = pulumi.Output.all(endpoints=pulumi.Output.from_input(self.endpoints).apply(",".join), **given)
        return pulumi.Output.secret(known.apply(lambda values: json.dumps(values, sort_keys=True)))

    def problems(self) -> Iterator[Problem]:
        """Checks all fields; values that are not known yet are skipped."""
        yield from self._endpoint_problems()
        yield from self._credential_problems()
        yield from self._pem_problems()
        prefix, authority = self.root_prefix, self.override_authority
        if not prefix or prefix != prefix.strip("/ "):
            yield Problem(ROOT / "root_prefix", prefix, "a prefix for this installation, without / at its ends")
        if isinstance(authority, str) and not _AUTHORITY.fullmatch(authority):
            yield Problem(ROOT / "override_authority", authority, "a host name")

    def _endpoint_problems(self) -> Iterator[Problem]:
        path, endpoints = ROOT / "endpoints", self.endpoints
        if isinstance(endpoints, str):  # a string is a sequence of strings too
            yield Problem(path, Text("one text"), "a list of URLs")
        elif isinstance(endpoints, Sequence):
            if not endpoints:
                yield Problem(path, list(endpoints), "one or more URLs like https://etcd.example.com:2379")
            for index, endpoint in enumerate(endpoints):
                yield from _url_problems(path / index, endpoint)
            schemes = {endpoint.partition("://")[0] for endpoint in endpoints} & {"http", "https"}
            if len(schemes) > 1:
                yield Problem(path, Text("http and https"), "one scheme: a single https endpoint turns TLS on for all")
            if schemes == {"http"}:
                for name in self._given(*_TLS_FIELDS):
                    yield Problem(ROOT / name, Text("set"), "none with http endpoints; use https endpoints for TLS")

    def _credential_problems(self) -> Iterator[Problem]:
        for pair in (("user", "password"), ("client_certificate", "client_key")):
            if len(given := self._given(*pair)) == 1:
                (missing,) = set(pair) - set(given)
                yield Problem(ROOT / missing, MISSING, "both fields of the pair {} and {}, or neither".format(*pair))
        for name in ("user", "password"):
            if getattr(self, name) == "":
                yield Problem(ROOT / name, "", "some text")

    def _pem_problems(self) -> Iterator[Problem]:
        yield from certificate_problems(ROOT / "certificate", self.certificate)
        yield from certificate_problems(ROOT / "client_certificate", self.client_certificate)
        key = ROOT / "client_key"
        yield from key_problems(key, self.client_key)
        certified, own = certificate_public_key(self.client_certificate), private_key_public_key(self.client_key)
        if own and "-----BEGIN PRIVATE KEY-----" not in str(self.client_key):
            yield Problem(key, Text("not PKCS8"), "PKCS8 for the mesh, as by openssl pkcs8 -topk8 -nocrypt")
        if certified and own and certified != own:
            yield Problem(key, Text("the key of another certificate"), "the key of the client's certificate")

    def _given(self, *names: str) -> list[str]:
        return [name for name in names if getattr(self, name) is not None]


def _url_problems(path: FieldPath, endpoint: str) -> Iterator[Problem]:
    if "@" in endpoint:
        yield Problem(path, endpoint, "a URL without a user; use the fields user and password")
        return
    url = _ENDPOINT.fullmatch(endpoint)
    if url is None or not 0 < int(url["port"]) <= HIGHEST_PORT:
        yield Problem(path, endpoint, "http(s)://<host name or IPv4 address>:<port>")
    elif "." not in url["host"].strip("."):
        full = f"{url['host']}.<namespace>.svc"
        yield Problem(path, endpoint, f"a name that resolves in every namespace, like {full}")
    elif url["host"].replace(".", "").isdigit() and not _is_address(url["host"]):
        yield Problem(path, endpoint, "an IPv4 address of four numbers up to 255")


def _is_address(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
