"""The rules for storage entries: what ModelMesh's puller needs, leaves unread or crashes on.

It merges an entry with the parameters of an InferenceService before it looks, so both are checked by the same rules. No
problem names the value of a credential.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..core.mesh_pod import VOLUMES, is_taken
from ..core.names_and_quantities import choice_problems, label_problems, secret_key_problems, shown
from ..core.pem import certificate_problems, key_problems
from ..core.rendering import Unknown, with_placeholders

Fields = Mapping[str, Any]

_REQUIRED = {
    "s3": ("access_key_id", "secret_access_key", "endpoint_url", "region", "bucket"),
    "gcs": ("bucket",),
    "azure": ("account_name", "container"),
    "pvc": ("name",),
    "http": ("url",),
}
"""By type, without which nothing can be pulled."""

_BY_SERVICES = ("bucket", "container")
"""Which of these an entry may leave to each service, to be said by URI or parameters."""

_OPTIONAL = {
    "s3": ("certificate",),
    "gcs": ("private_key", "client_email", "token_uri"),
    "azure": ("connection_string", "client_id", "client_secret", "tenant_id"),
    "pvc": (),
    "http": (),
}
_CRASHING = ("certificate", "client_certificate", "client_key")
_PRINCIPAL = ("client_id", "client_secret", "tenant_id")
_HEADER = re.compile(r"[-!#$%&'*+^_`|~0-9A-Za-z]+")
_HEADERS_OF_THE_CLIENT = ("content-length", "host", "trailer", "transfer-encoding")


class Entry(Protocol):
    """Any kind of storage."""

    def fields(self) -> Fields:
        """What the puller is told."""

    def parameters(self) -> Fields:
        """What InferenceServices have to say for it."""


def storage_problems(entries: Mapping[str, Entry]) -> list[str]:
    """Everything that would keep a namespace's storage, or its runtimes, from working."""
    problems: list[str] = []
    for key, entry in entries.items():
        path = f"storage.{key}"
        fields = with_placeholders({**entry.fields(), **entry.parameters()})
        problems += [*_key_problems(key, fields["type"]), *field_problems(path, fields)]
        problems += [f"{path}.{name}: missing" for name in missing(fields) if name not in _BY_SERVICES]
    return problems


def missing(fields: Fields) -> list[str]:
    """What its type cannot do without."""
    return [name for name in _REQUIRED.get(fields["type"], ()) if name not in fields]


def field_problems(path: str, fields: Fields) -> Iterator[str]:
    """What is wrong with everything that the puller is told about one store, its type among it."""
    kind = fields["type"]
    if isinstance(kind, Unknown):
        return
    if kind not in _REQUIRED:
        yield from choice_problems(f"{path}.type", kind, tuple(_REQUIRED))
        return
    for name, value in fields.items():
        if name.startswith("headers.") and kind == "http":
            yield from _header_problems(path, name.removeprefix("headers."), value)
        elif name in _CRASHING and kind == "http":
            yield f"{path}.{name}: given, but the puller of http storage crashes on it; it trusts public CAs only"
        elif name not in ("type", *_REQUIRED[kind], *_OPTIONAL[kind]):
            known = (*_REQUIRED[kind], *_OPTIONAL[kind], *(("headers.<Name>",) if kind == "http" else ()))
            yield f"{path}.{name}: unknown, ModelMesh ignores it; {kind} storage knows {', '.join(known)}"
        elif value == "":
            yield f"{path}.{name}: '', expected some text"
        elif name in _BY_SERVICES and _known(value) and "/" in str(value):
            yield f"{path}.{name}: {shown(value)}, expected a name without /; folders belong to the path of each model"
    yield from _BY_TYPE[kind](path, {name: value for name, value in fields.items() if value != ""})


def _key_problems(key: str, kind: str) -> Iterator[str]:
    """A storage key is a file's name in the Secret; two forms of it are taken for services that name none."""
    yield from secret_key_problems(f"storage[{key!r}]", key)
    if key == "." or key.startswith(".."):
        yield f"storage[{key!r}]: a Secret takes no key . or ..*"
    default = key.removeprefix("default_")
    if default != key and default in _REQUIRED and default != kind:
        yield f"storage.{key}: of type {kind!r}, but only services that ask for type {default!r} would take it"


def _s3(path: str, fields: Fields) -> Iterator[str]:
    yield from _url_problems(f"{path}.endpoint_url", fields.get("endpoint_url"), query=False)
    yield from certificate_problems(f"{path}.certificate", fields.get("certificate"))


def _gcs(path: str, fields: Fields) -> Iterator[str]:
    if ("private_key" in fields) != ("client_email" in fields):
        yield f"{path}: only one of private_key and client_email, expected both, or none for a public bucket"
    if "token_uri" in fields and "private_key" not in fields:
        yield f"{path}.token_uri: ModelMesh ignores it without private_key and client_email"
    yield from _url_problems(f"{path}.token_uri", fields.get("token_uri"), query=True)
    yield from key_problems(f"{path}.private_key", fields.get("private_key"))


def _azure(path: str, fields: Fields) -> Iterator[str]:
    given = [name for name in _PRINCIPAL if name in fields]
    if given and "connection_string" in fields:
        yield f"{path}: connection_string and {', '.join(given)}, of which ModelMesh ignores all but the first"
    elif given and len(given) < len(_PRINCIPAL):
        yield (
            f"{path}: only {', '.join(given)} of {', '.join(_PRINCIPAL)}, "
            "so ModelMesh would try without any; expected all, or none for a public container"
        )


def _pvc(path: str, fields: Fields) -> Iterator[str]:
    """The claim's name becomes that of a volume in the pods."""
    if not _known(name := fields.get("name")):
        return
    name = str(name)
    yield from label_problems(f"{path}.name", name)
    if is_taken(name, VOLUMES):
        yield f"{path}.name: {name!r} is the name of a volume of ModelMesh's own, as are {', '.join(VOLUMES)} and mm-*"


def _http(path: str, fields: Fields) -> Iterator[str]:
    yield from _url_problems(f"{path}.url", fields.get("url"), query=True)


_BY_TYPE = {"s3": _s3, "gcs": _gcs, "azure": _azure, "pvc": _pvc, "http": _http}


def _header_problems(path: str, name: str, value: object) -> Iterator[str]:
    where = f"{path}.headers.{name}"
    if not _HEADER.fullmatch(name):
        yield f"{where}: expected a header's name, of letters, digits and -; a dot would make ModelMesh nest it"
    if name.lower() in _HEADERS_OF_THE_CLIENT:
        yield f"{where}: the puller sets this header itself and ignores others"
    if isinstance(value, str) and re.search(r"[\r\n]", value):
        yield f"{where}: more than one line, expected one"


def _url_problems(path: str, value: object, *, query: bool) -> Iterator[str]:
    if not _known(value):
        return
    try:
        url = urlsplit(str(value))
        good = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
    except ValueError:  # a port or an address that is none
        good = False
    if not good or re.search(r"\s", str(value)) or url.fragment or (not query and (url.query or "@" in url.netloc)):
        yield f"{path}: {shown(value)}, expected http://<host> or https://<host>, with a port and a path where needed"


def _known(value: object) -> bool:
    return value is not None and not isinstance(value, Unknown)
