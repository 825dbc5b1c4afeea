"""Offline checks of a spec against the schema of its CRD.

The API server removes fields that the CRD does not know. Here they are errors, since they are misspelt.
"""

import difflib
import functools
from collections.abc import Iterable, Iterator
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ..core.problem import HIDDEN, MISSING, FieldPath, Problem, Text
from ..core.rendering import Unknown
from .documents import documents

Schema = dict[str, Any]


def spec_problems(kind: str, spec: dict[str, Any]) -> list[Problem]:
    """Check the `spec` of a serving.kserve.io object; paths start at `spec`."""
    errors = sorted(_validator(kind).iter_errors(spec), key=lambda error: [str(part) for part in error.absolute_path])
    known = (error for error in errors if not isinstance(error.instance, Unknown))
    found = [problem for error in known for problem in _problems(error)]
    return list({str(problem): problem for problem in found}.values())


@functools.cache
def _validator(kind: str) -> Draft202012Validator:
    definition = next(crd for crd in documents("crd") if crd["spec"]["names"]["kind"] == kind)
    (version,) = definition["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return Draft202012Validator(_closed(spec))


def _closed(schema: Schema) -> Schema:
    """Translate a Kubernetes structural schema to JSON Schema; fields that it does not know become errors."""
    closed = dict(schema)
    if schema.get("x-kubernetes-int-or-string"):
        closed.pop("anyOf", None)
        closed["type"] = ["integer", "string"]
    if "properties" in schema:
        closed["properties"] = {name: _closed(value) for name, value in schema["properties"].items()}
        closed["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            closed[key] = _closed(schema[key])
    return closed


def _problems(error: ValidationError) -> Iterator[Problem]:
    schema = cast("Schema", error.schema)
    path = FieldPath("spec", *error.absolute_path)
    value: Any = error.instance
    shown = HIDDEN if "env" in path else value  # a variable may be a secret
    allowed: Any = error.validator_value
    match error.validator:
        case "additionalProperties":
            fields = schema.get("properties", {})
            for name in map(str, value.keys() - fields.keys()):
                expected = f"one of {', '.join(sorted(fields))}"
                yield Problem(path / name, Text("unknown field"), expected, _closest(name, fields), ignored=True)
        case "required":
            for name in allowed:
                if name not in value:
                    yield Problem(path / name, MISSING, "a value")
        case "type":
            yield Problem(
                path, shown, f"a value of type {allowed if isinstance(allowed, str) else ' or '.join(allowed)}"
            )
        case "pattern":
            yield Problem(path, shown, f"a text that matches {allowed}")
        case "enum":
            yield Problem(path, shown, f"one of {', '.join(allowed)}")
        case rule:
            yield Problem(path, shown, f"{rule} {allowed}")


def _closest(name: str, fields: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, fields)
    return f"write {found[0]}" if found else ""
