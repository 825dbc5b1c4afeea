"""The models that a stack serves besides its own: a list in its file, or a table, one model a line."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.names_and_quantities import duplicate_problems, subdomain_problems

_COLUMNS = ("name", "path")


@dataclass(frozen=True)
class Model:
    """One of them."""

    name: str
    """Of its InferenceService."""
    path: str | None
    """In the bucket; None for that of the stack's own model."""


def models(values: Mapping[str, Any]) -> tuple[tuple[Model, ...], list[str]]:
    """All of them, and what is wrong with the list or the table, as "key: what is wrong, what is expected"."""
    listed = [(f"models[{index}]", entry) for index, entry in enumerate(values["models"])]
    try:
        tabled = list(_table(values["modelTable"])) if values["modelTable"] else []
    except ValueError as problem:
        return (), [f"modelTable: {problem}"]
    entries = listed + tabled
    problems: list[str] = []
    for where, entry in entries:
        problems += subdomain_problems(f"{where}.name", entry["name"])
    names = [values["inferenceService"], *(entry["name"] for _, entry in entries)]
    for again in duplicate_problems("", names):
        where, _ = entries[int(again.path[1]) - 1]
        problems.append(f"{where}.name: {again.given!r}, expected each name once")
    return tuple(Model(entry["name"], entry.get("path") or None) for _, entry in entries), problems


def _table(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each line is, and what it says. Raises ValueError for what is no such table."""
    try:
        with Path(name).open(encoding="utf-8", newline="") as file:
            lines = csv.DictReader(file, strict=True)
            if not set(lines.fieldnames or ()) <= set(_COLUMNS) or "name" not in (lines.fieldnames or ()):
                raise ValueError(f"{name} starts with {lines.fieldnames}, expected the columns name and, if any, path")
            for line in lines:
                where = f"modelTable, line {lines.line_num}"
                if None in line or None in line.values():
                    raise ValueError(f"{name}, line {lines.line_num}: expected {len(lines.fieldnames or ())} columns")
                yield where, dict(line)
    except (OSError, csv.Error, UnicodeDecodeError) as problem:
        raise ValueError(f"{name} cannot be read ({problem}), expected a CSV file") from None
