"""Checks configuration values against the schema in `Pulumi.yaml` and fills in its defaults: pure functions.

The engine checks types, too, but stops at the first problem, does not look into objects, and lets unknown keys pass.
"""

import difflib
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

UNREADABLE = "(a secret that cannot be read here)"
"""Stands in a preview for what only those who run updates can decrypt; nothing about it is checked."""

_PROJECT_FILE = Path(__file__).parents[1] / "Pulumi.yaml"
_PYTHON_TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}


@functools.cache
def schema() -> dict[str, dict[str, Any]]:
    """The entries of this project's own keys: type, description, default."""
    entries = yaml.safe_load(_PROJECT_FILE.read_text(encoding="utf-8"))["config"]
    return {key: entry for key, entry in entries.items() if ":" not in key}


def typed(given: Mapping[str, str], hidden: frozenset[str] = frozenset()) -> tuple[dict[str, Any], list[str]]:
    """Typed values by key, defaults included, and whatever is unknown, missing or of another type.

    Of the keys in `hidden` no problem shows the value.
    """
    known = schema()
    problems = [f"{key}: unknown key{_alike(key, known)}" for key in sorted(given.keys() - known.keys())]
    values: dict[str, Any] = {}
    for key, entry in known.items():
        if key in given:
            value = _parsed(given[key], entry["type"])
            if type(value) is _PYTHON_TYPES[entry["type"]]:
                values[key] = value
            elif given[key] == UNREADABLE:
                alone = "expected its secrets alone to be: pulumi config set --secret --path"
                problems.append(f"{key}: encrypted as a whole, so nothing of it can be checked here; {alone}")
            else:
                shown = "(not shown)" if key in hidden else repr(given[key])
                problems.append(f"{key}: {shown}, expected {entry['type']} ({entry['description']})")
        elif "default" in entry:
            values[key] = entry["default"]
        else:
            problems.append(f"{key}: missing ({entry['description']})")
    return values, problems


def _alike(key: str, known: Mapping[str, Any]) -> str:
    found = difflib.get_close_matches(key, known, n=3)
    return f"; did you mean {' or '.join(found)}?" if found else "; Pulumi.yaml has all that there are"


def _parsed(text: str, kind: str) -> object:
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return None
