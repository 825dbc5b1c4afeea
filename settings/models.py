"""Models that a stack serves in addition to its first: a list in the stack file, a CSV table, or both."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.checks import ROOT, FieldPath, Problem, Text

Models = Mapping[FieldPath, Mapping[str, str]]
"""Models by their place in the configuration, each with its name and, unless it has that of the first model, path."""
_COLUMNS = ("name", "path")


def models(values: Mapping[str, Any]) -> tuple[Models, list[Problem]]:
    """The models of the list and the table, and the problems of both."""
    entries = {ROOT / "models" / index: entry for index, entry in enumerate(values["models"])}
    try:
        entries |= _table(values["modelTable"]) if values["modelTable"] else {}
    except ValueError as error:
        expected = f"a CSV file with the columns {' and '.join(_COLUMNS)}, or {_COLUMNS[0]} alone, divided by commas"
        return {}, [Problem(ROOT / "modelTable", Text(str(error)), expected)]
    problems: list[Problem] = []
    places = {values["inferenceService"]: ROOT / "inferenceService"}
    for place, entry in entries.items():
        if (first := places.setdefault(entry["name"], place)) != place:
            problems.append(Problem(place / "name", entry["name"], f"each name once; {first} has it already"))
    return entries, problems


def _table(name: str) -> dict[FieldPath, dict[str, str]]:
    """The entries of a table by their places."""
    try:
        with Path(name).open(encoding="utf-8-sig", newline="") as file:  # spreadsheets write a byte-order mark
            lines = csv.DictReader(file, strict=True)
            columns = lines.fieldnames or ()
            if not {"name"} <= set(columns) <= set(_COLUMNS) or len(set(columns)) < len(columns):
                raise ValueError(f"{name} with the columns {list(columns)}")
            return dict(_lines(name, lines))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{name}, which cannot be read ({error})") from None


def _lines(name: str, lines: "csv.DictReader[str]") -> Iterator[tuple[FieldPath, dict[str, str]]]:
    for line in lines:
        if not any(str(value or "").strip() for value in line.values()):  # a blank line
            continue
        if None in line or None in line.values():
            raise ValueError(f"{name}, whose line {lines.line_num} has not {len(lines.fieldnames or ())} columns")
        yield FieldPath(f"modelTable, line {lines.line_num}"), dict(line)
