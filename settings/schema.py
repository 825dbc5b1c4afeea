"""Checks configuration values against their types and fills in defaults: pure functions.

`Pulumi.yaml` has the type, the description and the default of each key; `records` has the fields of objects and lists.
The engine checks types too, but it stops at the first problem, ignores unknown keys and does not look into objects.
"""

import difflib
import functools
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError

from components.checks import HIDDEN, MISSING, FieldPath, KnownLater, Problem, Text
from project.stack_file import UNREADABLE

from .records import MAY_BE_SECRET, SHAPES

_PROJECT_FILE = Path(__file__).parents[1] / "Pulumi.yaml"


@functools.cache
def schema() -> dict[str, dict[str, Any]]:
    """The project's configuration keys, each with type, description and default."""
    entries = yaml.safe_load(_PROJECT_FILE.read_text(encoding="utf-8"))["config"]
    return {key: entry for key, entry in entries.items() if ":" not in key}


def typed(given: Mapping[str, str], encrypted: Collection[str] = ()) -> tuple[dict[str, Any], list[Problem]]:
    """Typed values of all keys, and the problems of the given texts.

    A key that is missing or has a problem gets its default, so that everything else can be checked. No problem shows a
    value of an encrypted key, or of one that may hold a secret.
    """
    defaults = {key: entry["default"] for key, entry in schema().items()}
    parsed = {key: _parsed(text, schema().get(key, {}).get("type", "string")) for key, text in given.items()}
    values = defaults | parsed
    # An empty object by default means that the feature is off.
    chosen = {key: value for key, value in values.items() if not value == {} == defaults.get(key)}
    errors = sorted(_validator().iter_errors(chosen), key=lambda error: [str(part) for part in error.absolute_path])
    hidden = {*encrypted, *MAY_BE_SECRET, "runtimeEnvironment"}
    problems = [problem for error in errors for problem in _problems(error, given, hidden)]
    wrong = {problem.path[0] for problem in problems}
    return {key: default if key in wrong else values[key] for key, default in defaults.items()}, problems


@functools.cache
def _validator() -> Draft4Validator:
    properties = {key: {**entry, **SHAPES.get(key, {})} for key, entry in schema().items()}
    return Draft4Validator({"type": "object", "properties": properties, "additionalProperties": False})


def _parsed(text: str, kind: str) -> Any:
    """Value of a text from the engine; a text that is not JSON is kept, so that the schema rejects it."""
    if kind != "string":
        try:
            return _readable(json.loads(text))
        except ValueError:
            pass
    return _readable(text)


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _readable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_readable(entry) for entry in value]
    return KnownLater(value) if value == UNREADABLE else value


def _problems(error: ValidationError, given: Mapping[str, str], hidden: Collection[str]) -> Iterator[Problem]:
    path, value = FieldPath(*error.absolute_path), cast("Any", error.instance)
    rule = cast("dict[str, Any]", error.schema)
    if error.validator == "required":
        for key in rule["required"]:
            if key not in value:
                yield Problem(path / key, MISSING, _form(rule["properties"][key]))
    elif error.validator == "additionalProperties":
        known = rule.get("properties", {})
        for key in value.keys() - known.keys():
            yield Problem(path / key, Text("unknown key"), f"one of {', '.join(known)}" if path else _alike(key))
    elif value == UNREADABLE:
        alone = "only the secrets in it encrypted, each by pulumi config set --secret --path"
        yield Problem(path, Text("encrypted as a whole"), alone)
    elif value == "" and error.validator == "pattern":
        yield Problem(path, MISSING, _form(rule))
    else:
        shown = given[str(path[0])] if len(path) == 1 else value
        yield Problem(path, HIDDEN if path[0] in hidden else shown, _form(rule))


def _form(rule: Mapping[str, Any]) -> str:
    """Describes the values that a rule allows, like `integer (Pods of each runtime)`."""
    kind = rule["type"] if isinstance(rule["type"], str) else " or ".join(rule["type"])
    kind = f"{kind} of {rule['minimum']} or more" if "minimum" in rule else kind
    kind = f"{kind} with some text" if "pattern" in rule else kind
    return f"{kind} ({rule['description']})" if "description" in rule else kind


def _alike(key: str) -> str:
    found = difflib.get_close_matches(key, schema())
    return f"a key of Pulumi.yaml{', maybe ' if found else ''}{' or '.join(found)}"
