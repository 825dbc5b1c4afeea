"""Reads a `storageUri` as ModelMesh's controller does: into storage parameters and a path, and what it would drop."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from ..core.names_and_quantities import shown
from ..core.rendering import Unknown

_AZURE = "blob.core.windows.net"
_BUCKETS = {"s3": ("s3", "bucket"), "gs": ("gcs", "bucket"), "pvc": ("pvc", "name")}
"""By scheme: type and parameter that the URI's host becomes."""
_SCHEMES = (
    f"s3://, gs://, pvc://, http:// or https://, which for Azure is https://<account>.{_AZURE}/<container>/<path>"
)
_UNREADABLE = re.compile(r"^\s|\s$|[\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class ModelUri:
    """Where a URI leads."""

    parameters: dict[str, str] = field(default_factory=dict, repr=False)
    path: Any = None
    """None where the URI cannot be read."""
    problems: tuple[str, ...] = ()


def read(where: str, text: Any) -> ModelUri:
    """The URI that stands at `where`."""
    if isinstance(text, Unknown) or not isinstance(text, str):  # a wrong type is for the schema to tell
        return ModelUri(path=text)
    uri, problem = _split(text)
    if uri is None:
        return ModelUri(problems=(f"{where}: {shown(text)}, {problem}",))
    path = unquote(uri.path).removeprefix("/")
    if uri.scheme in _BUCKETS:
        return _bucket(where, text, uri, path)
    if uri.netloc.endswith(_AZURE):
        return _azure(where, text, uri, path)
    url = uri._replace(path="", fragment="").geturl()
    problems = [] if uri.hostname else [f"{where}: {shown(text)}, expected {uri.scheme}://<host>/<path>"]
    return ModelUri({"type": "http", "url": url}, path, (*problems, *_dropped(where, uri, query=False)))


def _split(text: str) -> tuple[SplitResult | None, str]:
    try:
        uri = urlsplit(text)
        _ = uri.port  # looked at only when asked for
    except ValueError as problem:  # it quotes what it takes for the port
        return None, "which is no URI" + (f": {problem}" if shown(text) == repr(text) else "")
    if _UNREADABLE.search(text) or " " in uri.netloc + uri.query:  # in a path it stands for itself
        return None, "expected a URI, with %20 for a blank and %25 for a %"
    if uri.scheme not in (*_BUCKETS, "http", "https"):
        return None, f"expected {_SCHEMES}"
    return uri, ""


def _bucket(where: str, text: str, uri: SplitResult, path: str) -> ModelUri:
    kind, name = _BUCKETS[uri.scheme]
    what = "claim" if kind == "pvc" else "bucket"
    plain = uri.netloc and not {"@", ":"} & {*uri.netloc}
    problems = [] if plain else [f"{where}: {shown(text)}, expected {uri.scheme}://<{what}>/<path>"]
    parameters = {"type": kind, **({name: uri.netloc} if plain else {})}
    return ModelUri(parameters, path, (*problems, *_dropped(where, uri, query=True)))


def _azure(where: str, text: str, uri: SplitResult, path: str) -> ModelUri:
    account, _, host = uri.netloc.partition(".")
    container, _, blob = path.partition("/")
    good = host == _AZURE and account and container
    problems = [] if good else [f"{where}: {shown(text)}, expected https://<account>.{_AZURE}/<container>/<path>"]
    parameters = {"type": "azure", **({"account_name": account, "container": container} if good else {})}
    return ModelUri(parameters, blob, (*problems, *_dropped(where, uri, query=True)))


def _dropped(where: str, uri: SplitResult, *, query: bool) -> list[str]:
    """Parts that lead nowhere; a query is sent along to a web server, but to no other store."""
    problems = []
    if query and uri.query:
        problems.append(f"{where}: a query after ?, ModelMesh ignores it; credentials belong to a storage key")
    if uri.fragment:
        problems.append(f"{where}: a fragment after #, ModelMesh ignores it; write %23 for # in a path")
    return problems
