"""The rules for where an InferenceService says its model is, checked as ModelMesh resolves it.

Its controller turns a URI into parameters and a path. Its puller puts the parameters over the entry of the storage key,
or, where none is named, over the entry `default` or `default_<type>`, if there is one. A model server that fetches
models itself gets path, key and parameters as they stand, and they are its own concern.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.annotations import SCHEMA_PATH, STORAGE_KEY
from ..core.names_and_quantities import shown
from ..core.rendering import Unknown
from ..stores.storage_rules import field_problems, missing
from . import model_uri
from .surroundings import Entries, Surroundings

_JOINED = ("pvc", "http")
"""Types whose puller joins a path to a folder or a URL; the others compare it with the names of objects, as text."""


def location_problems(
    where: str, model: Mapping[str, Any], annotations: Mapping[str, Any], around: Surroundings, *, pulled: bool = True
) -> Iterator[str]:
    """What is wrong with the storage of the model that stands at `where`; `pulled` is whether the puller reads it."""
    stored = model.get("storage", {})
    yield from _annotation_problems(where, stored, annotations)
    if ("storageUri" in model) == ("path" in stored):
        both = "both storageUri and storage.path" if "path" in stored else "neither storageUri nor storage.path"
        yield f"{where}: {both}, expected one of them; ModelMesh's controller would only log it"
        return
    uri = model_uri.ModelUri(path=stored.get("path"))
    if "storageUri" in model:
        uri = model_uri.read(f"{where}.storageUri", model["storageUri"])
    yield from _overridden(where, stored.get("parameters", {}), uri.parameters)
    if pulled:
        yield from _pulled_problems(where, model, annotations, around, uri)
    elif uri.path is None:  # ModelMesh's controller reads it in any case
        yield from uri.problems


def _pulled_problems(
    where: str,
    model: Mapping[str, Any],
    annotations: Mapping[str, Any],
    around: Surroundings,
    uri: model_uri.ModelUri,
) -> Iterator[str]:
    stored = model.get("storage", {})
    schema = stored.get("schemaPath", annotations.get(SCHEMA_PATH))
    if uri.problems or ("storageUri" in model and isinstance(uri.path, Unknown)):  # the type would come with it
        yield from uri.problems
        yield from _path_problems(f"{where}.storage.schemaPath", schema, Unknown(), file=True)
        return
    given = stored.get("parameters", {})
    key = stored.get("key", annotations.get(STORAGE_KEY))
    parameters = {**given, **uri.parameters}
    entry, problem = _entry(where, key, parameters.get("type"), around.storage)
    if problem:
        yield problem
    told = {**(entry or {}), **parameters}
    if entry is not None and around.storage is not None:
        yield from _store_problems(where, key, told, around.storage)
        yield from _claim_problems(where, told, parameters, around)
    path = f"{where}.storageUri" if "storageUri" in model else f"{where}.storage.path"
    kind = told.get("type", "" if problem else Unknown())
    yield from _path_problems(path, uri.path, kind, file=kind == "http")
    yield from _path_problems(f"{where}.storage.schemaPath", schema, kind, file=True)


def default_key(kind: str | None) -> str:
    """The key of the entry that a service gets which names none."""
    return "default" if kind is None else f"default_{kind}"


def _annotation_problems(where: str, stored: Mapping[str, Any], annotations: Mapping[str, Any]) -> Iterator[str]:
    for annotation, name in ((STORAGE_KEY, "key"), (SCHEMA_PATH, "schemaPath")):
        said, typed = annotations.get(annotation), stored.get(name)
        if said is not None and typed is not None and said != typed:
            yield (
                f"metadata.annotations[{annotation}]: {shown(said)}, but {where}.storage.{name} says {shown(typed)} "
                "and wins; leave out the annotation"
            )


def _overridden(where: str, given: Mapping[str, Any], by_uri: Mapping[str, str]) -> Iterator[str]:
    for name, value in by_uri.items():
        if given.get(name, value) != value and not isinstance(given[name], Unknown):
            yield f"{where}.storage.parameters.{name}: {shown(given[name])}, but the URI says {shown(value)} and wins"


def _entry(
    where: str, key: str | None, kind: str | None, entries: Entries | None
) -> tuple[Mapping[str, Any] | None, str]:
    """What the puller reads from the Secret, or why it finds nothing to go on with; None also where nobody knows."""
    if entries is None or isinstance(key, Unknown) or isinstance(kind, Unknown):
        return None, ""
    if key is None:
        entry = entries.get(default_key(kind), {})
    elif key in entries:
        entry = entries[key]
    else:
        return None, f"{where}.storage.key: {key!r}, expected {_keys(entries)}"
    if entry is None:
        return None, ""
    if kind is None and "type" not in entry:
        return None, f"{where}.storage.key: missing, expected {_keys(entries)}; an entry 'default' would need no naming"
    if kind is not None and (own := entry.get("type", kind)) != kind:
        return None, f"{where}.storage.key: {key!r} is of type {own!r}, but the URI or the parameters say {kind!r}"
    return entry, ""


def _store_problems(where: str, key: str | None, told: Mapping[str, Any], entries: Entries) -> Iterator[str]:
    lacking = ", ".join(missing(told))
    if lacking and key is None:
        yield f"{where}.storage.key: missing, and without one the parameters lack {lacking}; expected {_keys(entries)}"
    elif lacking:
        yield f"{where}.storage.key: {key!r} has no {lacking}, nor do URI or parameters say it"
    yield from field_problems(f"{where}.storage.parameters", told)


def _claim_problems(
    where: str, told: Mapping[str, Any], parameters: Mapping[str, Any], around: Surroundings
) -> Iterator[str]:
    """A claim that no entry holds is mounted only where any is, and only if the parameters alone say what it is."""
    claim = told.get("name")
    claims = [{"name": Unknown()} if entry is None else entry for entry in (around.storage or {}).values()]
    held = [entry.get("name") for entry in claims if entry.get("type", "pvc") == "pvc"]
    if told["type"] != "pvc" or claim is None or claim in held or any(isinstance(c, Unknown) for c in (claim, *held)):
        return
    if not around.allow_any_pvc:
        yield (
            f"{where}.storage: claim {claim!r} is mounted nowhere; put it into the namespace's storage, as an entry of "
            "type pvc, or have the installation allow any claim"
        )
    elif parameters.get("type") != "pvc":
        yield f"{where}.storage.parameters.type: missing, expected 'pvc', or claim {claim!r} is not mounted"


def _path_problems(where: str, path: object, kind: str, *, file: bool) -> Iterator[str]:
    """What the puller of a type would not find."""
    if path is None or isinstance(path, Unknown):
        return
    text = str(path)
    segments = text.split("/")
    if text == "":
        yield f"{where}: no path, ModelMesh would find nothing; expected that of a file or a folder in the store"
    elif kind != "http" and re.match(r"\w+://", text):
        yield f"{where}: {shown(text)}, expected a path in the store; a URI goes into storageUri"
    elif segments[0] == "" and kind not in _JOINED and not isinstance(kind, Unknown):
        yield f"{where}: {shown(text)} starts with /, expected a path from the top of the store"
    elif {".", ".."} & {*segments}:
        yield f"{where}: {shown(text)}, expected a path without . and .."
    elif file and segments[-1] == "":
        yield f"{where}: {shown(text)} ends with /, expected a single file"


def _keys(entries: Entries) -> str:
    return f"a key of the namespace's storage, which holds {', '.join(entries) or 'none'}"
