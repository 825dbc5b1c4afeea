"""Checks a spec against the schema of its CRD, offline, with a schema library.

The API server prunes fields that a CRD does not know; here they are errors, because a misspelt field is never meant.
"""

import functools
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ..core.names_and_quantities import shown
from ..core.rendering import Unknown
from .documents import documents

Schema = dict[str, Any]


def spec_problems(kind: str, spec: dict[str, Any]) -> list[str]:
    """Every problem of a serving.kserve.io object's `spec`, each as "path: what is wrong"; empty where it is valid."""
    errors = sorted(_validator(kind).iter_errors(spec), key=lambda error: [str(part) for part in error.absolute_path])
    known = (error for error in errors if not isinstance(error.instance, Unknown))
    return [f"{_path(error)}: {message}" for error in known for message in _messages(error)]


@functools.cache
def _validator(kind: str) -> Draft202012Validator:
    definition = next(crd for crd in documents("crd") if crd["spec"]["names"]["kind"] == kind)
    (version,) = [version for version in definition["spec"]["versions"] if version["served"]]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return Draft202012Validator(_closed(spec))


def _closed(schema: Schema) -> Schema:
    """Translates a Kubernetes structural schema: unknown fields refused, int-or-string and nullable spelt out."""
    closed = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-")}
    closed.pop("format", None)  # a width hint for Go
    if schema.get("x-kubernetes-int-or-string"):
        closed.pop("anyOf", None)
        closed["type"] = ["integer", "string"]
    if "properties" in schema:
        closed["properties"] = {name: _closed(value) for name, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            closed[key] = _closed(schema[key])
    if closed.pop("nullable", False):
        closed["type"] = [closed["type"], "null"]
    return closed


def _path(error: ValidationError) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)


def _messages(error: ValidationError) -> Iterator[str]:
    schema = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = schema.get("properties", {})
        for name in error.instance.keys() - known.keys():
            yield f"unknown field {name!r}; known are {', '.join(sorted(known))}"
    elif error.validator == "type":
        yield f"{shown(error.instance)} is not of type {error.validator_value}"
    else:
        yield error.message
