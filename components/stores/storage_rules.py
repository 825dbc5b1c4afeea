"""Checks of storage entries: what ModelMesh's puller requires, ignores or crashes on.

The puller merges an entry with the parameters of an InferenceService, so the same checks apply to both. No problem
quotes a credential.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..core.mesh_pod import VOLUMES, is_taken
from ..core.names_and_quantities import choice_problems, label_problems, secret_key_problems
from ..core.pem import certificate_problems, key_problems
from ..core.problem import HIDDEN, MISSING, ROOT, FieldPath, Problem, Text
from ..core.rendering import Unknown, with_placeholders
from .storage import Storage

Fields = Mapping[str, Any]

_REQUIRED = {
    "s3": ("access_key_id", "secret_access_key", "endpoint_url", "region", "bucket"),
    "gcs": ("bucket",),
    "azure": ("account_name", "container"),
    "pvc": ("name",),
    "http": ("url",),
}
"""Fields without which nothing can be pulled, by type."""

_BY_SERVICES = ("bucket", "container")
"""Required fields that an entry may omit if each InferenceService gives them, in its URI or its parameters."""

_OPTIONAL = {
    "s3": ("certificate",),
    "gcs": ("private_key", "client_email", "token_uri"),
    "azure": ("connection_string", "client_id", "client_secret", "tenant_id"),
    "pvc": (),
    "http": (),
}
_IN_URIS = (*_BY_SERVICES, "account_name", "name", "url")
"""Required fields that the URI of each InferenceService may give."""

_CRASHING = ("certificate", "client_certificate", "client_key")
_PRINCIPAL = ("client_id", "client_secret", "tenant_id")
_HEADER = re.compile(r"[-!#$%&'*+^_`|~0-9A-Za-z]+")
_HEADERS_OF_THE_CLIENT = ("content-length", "host", "trailer", "transfer-encoding")
_AZURE_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONNECTION_STRING = "AccountName=<name>;AccountKey=<base64>, or AccountName=<name>;SharedAccessSignature=<token>"
_GIVEN = Text("set")
_ENCODED = "the base64 encoding of "
_ALL_OR_NONE = "an entry that cannot be read stops all runtimes of the namespace; headers are parameters of services"


def storage_problems(entries: Mapping[str, Storage]) -> Iterator[Problem]:
    """Checks the entries of a namespace's storage, by their keys."""
    path = ROOT / "storage"
    for key, entry in entries.items():
        fields = with_placeholders({**entry.fields(), **entry.parameters()})
        yield from _key_problems(path, key, fields["type"])
        yield from field_problems(path / key, fields)
        for name in missing(fields):
            if name not in _BY_SERVICES:
                yield Problem(path / key / name, MISSING, f"a value: {fields['type']} storage requires it")


def secret_problems(secret: Fields) -> Iterator[Problem]:
    """Checks a namespace's storage Secret, as a document."""
    for place in ("data", "stringData"):
        texts = secret.get(place, {})
        if not isinstance(texts, Mapping):
            yield Problem(ROOT / place, HIDDEN, "a mapping")
            continue
        for key, text in texts.items():
            path = ROOT / place / str(key)
            if (fields := _parsed(text, encoded=place == "data")) is None:
                yield Problem(
                    path, HIDDEN, f"{_ENCODED if place == 'data' else ''}a JSON object of texts", _ALL_OR_NONE
                )
            elif "type" in fields:
                yield from _key_problems(path, str(key), fields["type"])
                yield from field_problems(path, fields)
                for name in missing(fields):
                    if name not in _IN_URIS:
                        yield Problem(path / name, MISSING, f"a value: {fields['type']} storage requires it")


def _parsed(text: object, *, encoded: bool) -> Fields | None:
    """The fields of an entry that are not empty; None if the controller cannot read them."""
    try:
        fields = json.loads(base64.b64decode(str(text), validate=True) if encoded else str(text))
    except ValueError:
        return None
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        return None
    if fields.get("type") == "s3":
        fields = {"bucket": fields.pop("default_bucket", ""), **fields}
    return {name: value for name, value in fields.items() if value}


def missing(fields: Fields) -> list[str]:
    """The required fields of the entry's type that are not there."""
    return [name for name in _REQUIRED.get(fields["type"], ()) if name not in fields]


def field_problems(path: FieldPath, fields: Fields) -> Iterator[Problem]:
    """Checks the fields of one entry, including its type."""
    kind = fields["type"]
    if kind not in _REQUIRED:
        yield from choice_problems(path / "type", kind, tuple(_REQUIRED))
        return
    known = (*_REQUIRED[kind], *_OPTIONAL[kind], *(("headers.<Name>",) if kind == "http" else ()))
    for name, value in fields.items():
        if name.startswith("headers.") and kind == "http":
            yield from _header_problems(path / "headers" / name.removeprefix("headers."), value)
        elif name in _CRASHING and kind == "http":
            yield Problem(path / name, _GIVEN, "none: the puller crashes on it, and trusts public CAs only")
        elif name not in ("type", *known):
            expected = f"one that {kind} storage has: {', '.join(known)}"
            yield Problem(path / name, Text("unknown field"), expected, ignored=True)
        elif value == "":
            yield Problem(path / name, value, "some text")
        elif name in _BY_SERVICES and "/" in str(value):
            yield Problem(path / name, value, "a name without /; folders belong to the path of each model")
    yield from _BY_TYPE[kind](path, {name: value for name, value in fields.items() if value != ""})


def _key_problems(path: FieldPath, key: str, kind: str) -> Iterator[Problem]:
    """Checks a storage key, which is a file's name in the Secret and may mark the default entry of a type."""
    yield from secret_key_problems(path, key)
    if key == "." or key.startswith(".."):
        yield Problem(path, key, "a key of a Secret, which cannot be . or start with ..")
    default = key.removeprefix("default_")
    if default != key and default in _REQUIRED and default != kind:
        yield Problem(path, key, f"another key: ModelMesh reads this one as the default entry of type {default!r}")


def _s3(path: FieldPath, fields: Fields) -> Iterator[Problem]:
    yield from _url_problems(path / "endpoint_url", fields.get("endpoint_url"), query=False)
    yield from certificate_problems(path / "certificate", fields.get("certificate"))


def _gcs(path: FieldPath, fields: Fields) -> Iterator[Problem]:
    if ("private_key" in fields) != ("client_email" in fields):
        lacking = "client_email" if "private_key" in fields else "private_key"
        yield Problem(path / lacking, MISSING, "both private_key and client_email, or neither for a public bucket")
    if "token_uri" in fields and "private_key" not in fields:
        expected = "none: ModelMesh ignores it without private_key and client_email"
        yield Problem(path / "token_uri", _GIVEN, expected, ignored=True)
    yield from _url_problems(path / "token_uri", fields.get("token_uri"), query=True)
    yield from key_problems(path / "private_key", fields.get("private_key"))


def _azure(path: FieldPath, fields: Fields) -> Iterator[Problem]:
    account, connection = fields.get("account_name"), fields.get("connection_string")
    if _known(account) and not _AZURE_ACCOUNT.fullmatch(str(account)):
        expected = "the name of a storage account, 3 to 24 lower-case letters and digits"
        yield Problem(path / "account_name", account, expected, "omit https:// and .blob.core.windows.net")
    if _known(connection) and not _is_connection_string(str(connection)):
        cure = "the portal shows the first below Access keys; a SAS token alone, or the URL with it, is refused"
        yield Problem(path / "connection_string", HIDDEN, _CONNECTION_STRING, cure)
    given = [name for name in _PRINCIPAL if name in fields]
    if given and "connection_string" in fields:
        both = Text(f"connection_string and {', '.join(given)}")
        yield Problem(path, both, "one of them: ModelMesh uses the first", ignored=True)
    elif given and len(given) < len(_PRINCIPAL):
        yield Problem(
            path,
            Text(f"only {', '.join(given)}"),
            f"all of {', '.join(_PRINCIPAL)}, or none for a public container; ModelMesh would use no credentials",
        )


def _is_connection_string(text: str) -> bool:
    """Whether the puller's Azure library can read the text; each part has a name and a value."""
    pairs = [part.partition("=") for part in text.rstrip(";").split(";")]
    parts = {name: value for name, _, value in pairs}
    try:
        base64.b64decode(key := parts.get("AccountKey", ""), validate=True)
    except ValueError:
        return False
    secret = key or parts.get("SharedAccessSignature")
    return all(equals for _, equals, _ in pairs) and bool(parts.get("AccountName") and secret)


def _pvc(path: FieldPath, fields: Fields) -> Iterator[Problem]:
    """Checks the claim's name, which becomes the name of a volume in the pods."""
    if not _known(name := fields.get("name")):
        return
    yield from label_problems(path / "name", name)
    if is_taken(str(name), VOLUMES):
        taken = f"another name than those of ModelMesh's volumes: {', '.join(VOLUMES)} and mm-*"
        yield Problem(path / "name", name, taken)


def _http(path: FieldPath, fields: Fields) -> Iterator[Problem]:
    yield from _url_problems(path / "url", fields.get("url"), query=True)


_BY_TYPE = {"s3": _s3, "gcs": _gcs, "azure": _azure, "pvc": _pvc, "http": _http}


def _header_problems(path: FieldPath, value: object) -> Iterator[Problem]:
    name = str(path[-1])
    if not _HEADER.fullmatch(name):
        yield Problem(path, _GIVEN, "letters, digits and - in a header's name; ModelMesh would read a dot as nesting")
    if name.lower() in _HEADERS_OF_THE_CLIENT:
        yield Problem(path, _GIVEN, "none: the puller sets this header and ignores others")
    if re.search(r"[\r\n]", str(value)):
        yield Problem(path, Text("more than one line"), "one line")


def _url_problems(path: FieldPath, value: object, *, query: bool) -> Iterator[Problem]:
    if not _known(value):
        return
    try:
        url = urlsplit(str(value))
        good = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # the port or the address is invalid
        good = False
    if not good or re.search(r"\s", str(value)) or url.fragment or (not query and (url.query or "@" in url.netloc)):
        yield Problem(path, value, "http://<host> or https://<host>, with a port and a path if needed")


def _known(value: object) -> bool:
    return value is not None and not isinstance(value, Unknown)
