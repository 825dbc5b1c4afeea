"""Reads a `storageUri` as ModelMesh's controller does, into storage parameters and a path."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from ..core.problem import FieldPath, Problem
from ..core.rendering import Unknown

_AZURE = "blob.core.windows.net"
_BUCKETS = {"s3": ("s3", "bucket"), "gs": ("gcs", "bucket"), "pvc": ("pvc", "name")}
"""Type of the storage and the parameter for the URI's host, by scheme."""
_SCHEMES = (
    f"s3://, gs://, pvc://, http:// or https://, which for Azure is https://<account>.{_AZURE}/<container>/<path>"
)
_UNREADABLE = re.compile(r"^\s|\s$|[\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class ModelUri:
    """The location that a URI names."""

    parameters: dict[str, str] = field(default_factory=dict, repr=False)
    path: Any = None
    """Path in the store; None if the URI cannot be read."""
    problems: tuple[Problem, ...] = ()


def read(where: FieldPath, text: Any) -> ModelUri:
    """Reads the URI in the field `where`."""
    if isinstance(text, Unknown) or not isinstance(text, str):  # the schema checks the type
        return ModelUri(path=text)
    uri, expected = _split(text)
    if uri is None:
        return ModelUri(problems=(Problem(where, text, expected),))
    path = unquote(uri.path).removeprefix("/")
    bucket, query = uri.scheme in _BUCKETS, False
    if bucket:
        (kind, name), good, query = _BUCKETS[uri.scheme], bool(uri.netloc) and not {"@", ":"} & {*uri.netloc}, True
        parameters = {"type": kind, name: uri.netloc}
        expected = f"{uri.scheme}://<{'claim' if kind == 'pvc' else 'bucket'}>/<path>"
    elif uri.netloc.endswith(_AZURE):
        account, _, host = uri.netloc.partition(".")
        container, _, path = path.partition("/")
        good, query = bool(host == _AZURE and account and container), True
        parameters = {"type": "azure", "account_name": account, "container": container}
        expected = f"https://<account>.{_AZURE}/<container>/<path>"
    else:
        good, expected = bool(uri.hostname), f"{uri.scheme}://<host>/<path>"
        parameters = {"type": "http", "url": uri._replace(path="", fragment="").geturl()}
    problems = [] if good else [Problem(where, text, expected)]
    if query and uri.query:  # only a web server gets the query
        cure = "use a storage key for credentials"
        problems.append(Problem(where, text, "no query: ModelMesh ignores it", cure, ignored=True))
    if uri.fragment:
        cure = "write %23 for # in a path"
        problems.append(Problem(where, text, "no fragment: ModelMesh ignores it", cure, ignored=True))
    return ModelUri(parameters, path, tuple(problems))


def _split(text: str) -> tuple[SplitResult | None, str]:
    """The parts of a URI, or None and what is expected instead."""
    try:
        uri = urlsplit(text)
        _ = uri.port  # computed, and checked, on access
    except ValueError:
        return None, "a URI with a valid host and port"
    if _UNREADABLE.search(text) or " " in uri.netloc + uri.query:  # a path may hold blanks
        return None, "a URI, with %20 for a blank and %25 for a %"
    if uri.scheme not in (*_BUCKETS, "http", "https"):
        return None, _SCHEMES
    return uri, ""
