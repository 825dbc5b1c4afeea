"""Checks of an InferenceService's storage, resolved as ModelMesh does.

The controller turns a URI into parameters and a path. The puller puts the parameters over the entry of the storage key
or, without a key, over the entry `default` or `default_<type>` if there is one. A model server that fetches models
without the puller gets path, key and parameters unchanged and has rules that are unknown here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.annotations import SCHEMA_PATH, STORAGE_KEY
from ..core.problem import MISSING, FieldPath, Problem, Text
from ..core.rendering import Unknown
from ..stores.storage_rules import field_problems, missing
from . import model_uri
from .namespace_context import Entries, NamespaceContext

Values = Mapping[str, Any]

_STRAY = re.compile(r"^\s|\s$|[\x00-\x1f\x7f]")
_JOINED = ("pvc", "http")
"""Types whose puller joins a path to a folder or a URL; the others compare it with object names, as text."""


def location_problems(
    where: FieldPath, model: Values, annotations: Values, context: NamespaceContext, *, pulled: bool = True
) -> Iterator[Problem]:
    """Checks the storage of the model in the field `where`; `pulled` tells whether the puller fetches it."""
    storage = model.get("storage", {})
    yield from _annotation_problems(where / "storage", storage, annotations)
    if ("storageUri" in model) == ("path" in storage):
        given = Text("both storageUri and storage.path") if "path" in storage else MISSING
        field = where if "path" in storage else where / "storageUri"
        yield Problem(field, given, "one of storageUri and storage.path")
        return
    uri = model_uri.ModelUri(path=storage.get("path"))
    if "storageUri" in model:
        uri = model_uri.read(where / "storageUri", model["storageUri"])
    given = storage.get("parameters", {})
    for name, value in uri.parameters.items():
        if given.get(name, value) != value and not isinstance(given[name], Unknown):
            path = where / "storage" / "parameters" / name
            yield Problem(path, given[name], "the same as in the URI, which wins", ignored=True)
    if pulled:
        yield from _pulled_problems(where, model, annotations, context, uri)
    elif uri.path is None:  # the controller reads the URI in any case
        yield from uri.problems


def _pulled_problems(
    where: FieldPath, model: Values, annotations: Values, context: NamespaceContext, uri: model_uri.ModelUri
) -> Iterator[Problem]:
    storage = model.get("storage", {})
    schema_path = where / "storage" / "schemaPath"
    schema = storage.get("schemaPath", annotations.get(SCHEMA_PATH, Unknown()))  # one that is not given is not checked
    if uri.problems or ("storageUri" in model and isinstance(uri.path, Unknown)):  # so the type is unknown
        yield from uri.problems
        yield from _path_problems(schema_path, schema, Unknown(), file=True)
        return
    key = storage.get("key", annotations.get(STORAGE_KEY))
    parameters = {**storage.get("parameters", {}), **uri.parameters}
    entry, problem = _entry(where / "storage" / "key", key, parameters.get("type"), context.storage)
    if problem:
        yield problem
    fields = {**(entry or {}), **parameters}
    if entry is not None:
        yield from _store_problems(where / "storage", key, fields, context)
        yield from _claim_problems(where / "storage", fields, parameters, context)
    path = where / "storageUri" if "storageUri" in model else where / "storage" / "path"
    kind = fields.get("type", "" if problem else Unknown())
    yield from _path_problems(path, uri.path, kind, file=kind == "http")
    yield from _path_problems(schema_path, schema, kind, file=True)


def default_key(kind: str | None) -> str:
    """Key of the entry for a service without a storage key."""
    return "default" if kind is None else f"default_{kind}"


def _annotation_problems(path: FieldPath, storage: Values, annotations: Values) -> Iterator[Problem]:
    for annotation, name in ((STORAGE_KEY, "key"), (SCHEMA_PATH, "schemaPath")):
        old, new = annotations.get(annotation), storage.get(name)
        if old is not None and new is not None and old != new:
            expected = f"none beside {path / name}, which wins"
            yield Problem(FieldPath("metadata", "annotations", annotation), old, expected, ignored=True)


def _entry(
    path: FieldPath, key: str | None, kind: str | None, entries: Entries | None
) -> tuple[Values | None, Problem | None]:
    """The entry that the puller reads, or the problem that keeps it from reading one; None also if it is unknown."""
    if entries is None or isinstance(key, Unknown) or isinstance(kind, Unknown):
        return None, None
    if key is not None and key not in entries:
        return None, Problem(path, key, _keys(entries))
    entry = entries.get(default_key(kind), {}) if key is None else entries[key]
    if entry is None:
        return None, None
    if kind is None and "type" not in entry:
        return None, Problem(path, MISSING, f"{_keys(entries)}; only an entry 'default' needs no key")
    if kind is not None and (own := entry.get("type", kind)) != kind:
        return None, Problem(path, key, f"an entry of type {kind!r}, as the URI or the parameters say, not {own!r}")
    return entry, None


def _store_problems(path: FieldPath, key: str | None, fields: Values, context: NamespaceContext) -> Iterator[Problem]:
    lacking = ", ".join(missing(fields))
    if lacking and key is None:
        yield Problem(path / "key", MISSING, f"{_keys(context.storage or {})}; the parameters lack {lacking}")
    elif lacking:
        yield Problem(path / "key", key, f"{lacking} in this entry, in the URI or in the parameters")
    yield from field_problems(path / "parameters", fields)


def _claim_problems(
    path: FieldPath, fields: Values, parameters: Values, context: NamespaceContext
) -> Iterator[Problem]:
    """Checks that runtime pods mount a claim: that of an entry, or any if the installation allows it."""
    claim = fields.get("name")
    held = [Unknown() if entry is None else entry.get("name") for entry in (context.storage or {}).values()]
    if fields["type"] != "pvc" or claim is None or claim in held or any(isinstance(c, Unknown) for c in (claim, *held)):
        return
    if not context.allow_any_pvc:
        expected = "a claim of the namespace's storage, or an installation that allows any claim"
        yield Problem(path / "parameters" / "name", claim, expected)
    elif parameters.get("type") != "pvc":
        yield Problem(path / "parameters" / "type", MISSING, f"'pvc', without which claim {claim!r} is not mounted")


def _path_problems(where: FieldPath, path: object, kind: str, *, file: bool) -> Iterator[Problem]:
    """Checks a path as the puller of a type reads it."""
    if isinstance(path, Unknown):
        return
    text = str(path)
    segments = text.split("/")
    expected, cure = None, ""
    if not text.strip("/"):
        expected = "the path of a file or a folder in the store"
    elif where[-1] != "storageUri" and _STRAY.search(text):
        expected = "a path without blanks at its ends and without line breaks"
    elif kind != "http" and re.match(r"\w+://", text):
        expected, cure = "a path in the store", "put a URI into storageUri"
    elif segments[0] == "" and kind not in _JOINED and not isinstance(kind, Unknown):
        expected = "a path from the top of the store, without / at its start"
    elif {".", ".."} & {*segments}:
        expected = "a path without . and .."
    elif file and segments[-1] == "":
        expected = "the path of a single file, without / at its end"
    if expected:
        yield Problem(where, path, expected, cure)


def _keys(entries: Entries) -> str:
    return f"a key of the namespace's storage, which has {', '.join(entries) or 'none'}"
