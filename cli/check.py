"""Checks the objects of YAML files and of `kubectl get -o yaml`, without a stack or a cluster."""

import json
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from cli.errors import CommandError
from components import checks
from components.checks import MISSING, ROOT, FieldPath, Problem, Text
from project.marked_yaml import documents

_SUFFIXES = (".yaml", ".yml", ".json")
_MARKS = {True: "ignored", False: "cannot work"}
_COMMANDS = {True: "warning", False: "error"}
"""Commands of GitHub's workflows that annotate a line."""


class CheckError(CommandError):
    """Some objects cannot work (exit code 2), or hold fields that are ignored (1)."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True)
class _Object:
    """An object of a file, and what is wrong with it."""

    file: str
    line: int
    name: str
    """Kind, namespace and name."""
    checked: bool
    """Whether ModelMesh Serving reads it."""
    problems: tuple[tuple[int, Problem], ...] = ()
    """Problems with the line of each."""


def check(arguments: Namespace) -> None:
    """Check the objects for values that ModelMesh would ignore, panic on or only log.

    Raises:
        CheckError: An object cannot work, has fields that are ignored, or cannot be read.
    """
    try:
        files = shlex.split(arguments.files) if isinstance(arguments.files, str) else arguments.files
    except ValueError as error:
        raise CheckError(f"FILES: {error} in {arguments.files}; quote names with blanks or quotes", 2) from None
    if not files or not all(files):
        raise CheckError("name files, folders or - for standard input: make check FILES='a.yaml folder'", 2)
    paths = [path for file in files for path in _paths(file)]
    if not paths:
        raise CheckError(f"expected files that end with {', '.join(_SUFFIXES)} in {', '.join(files)}, found none", 2)
    objects = [found for path in paths for found in _objects(path)]
    print(_OUTPUTS[arguments.output](objects))
    problems = [problem for found in objects for _, problem in found.problems]
    wrong = sum(not problem.ignored for problem in problems)
    if problems:
        counts = f"values that cannot work: {wrong}, ignored ones: {len(problems) - wrong}, objects: {len(objects)}"
        raise CheckError(counts, 2 if wrong else 1)


def _paths(file: str) -> list[str]:
    """The files that an argument stands for."""
    if file == "-" or not Path(file).is_dir():
        return [file]
    return sorted(str(path) for path in Path(file).rglob("*") if path.suffix in _SUFFIXES and path.is_file())


def _objects(file: str) -> Iterator[_Object]:
    """The objects of a file, including those of lists, and a problem for each text that cannot be read."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        yield _unreadable(file, 1, Text(f"not readable ({error})"))
        return
    first: dict[tuple[str, str], int] = {}
    read = list(documents(text))
    if not read:
        yield _unreadable(file, 1, Text("empty"))
    for document in read:
        if isinstance(document, yaml.YAMLError):
            mark = getattr(document, "problem_mark", None)
            reason = Text(f"not YAML ({getattr(document, 'problem', document)})")
            yield _unreadable(file, mark.line + 1 if mark else 1, reason)
            continue
        left = list(document.repeated)
        for path, value in _expanded(document.value, ROOT):
            line, name, problems = document.line(path), _name(value), _problems(value)
            found = [_repeated(twice[len(path) :]) for twice in left if twice[: len(path)] == path] + (problems or [])
            left = [twice for twice in left if twice[: len(path)] != path]
            if problems is not None and (earlier := first.setdefault(name, line)) != line:
                expected = f"each object once; this one replaces that of line {earlier}"
                found.append(Problem(FieldPath("metadata", "name"), name[1], expected, ignored=True))
            marked = tuple((document.line((*path, *problem.path)), problem) for problem in found)
            yield _Object(file, line, " ".join(name), checked=problems is not None or bool(found), problems=marked)
        if left:  # keys of a list itself
            marked = tuple((document.line(twice), _repeated(twice)) for twice in left)
            yield _Object(file, document.line(), "List", checked=True, problems=marked)


def _repeated(path: Sequence[str | int]) -> Problem:
    return Problem(FieldPath(*path), Text("twice"), "each key once")


def _unreadable(file: str, line: int, given: Text) -> _Object:
    problem = Problem(ROOT / "file", given, "YAML or JSON of Kubernetes objects")
    return _Object(file, line, "text", checked=True, problems=((line, problem),))


def _expanded(
    value: Any, path: FieldPath, defaults: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[tuple[FieldPath, Any]]:
    """A document or the entries of a list, each with its path."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if not (isinstance(kind, str) and kind.endswith("List") and "items" in value and isinstance(value["items"], list)):
        if value is not None:
            yield path, {**defaults, **value} if isinstance(value, dict) else value
        return
    # The entries of a typed list may lack what the list itself says.
    typed = {"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
    for index, entry in enumerate(value["items"]):
        yield from _expanded(entry, path / "items" / index, typed)


def _problems(value: Any) -> list[Problem] | None:
    """Problems of an object; None if ModelMesh Serving does not read it."""
    if not isinstance(value, dict):
        # The value itself may be a whole file with secrets.
        return [Problem(ROOT / "object", Text(type(value).__name__), "a Kubernetes object, which is a mapping")]
    if value.get("kind") == "List":
        given = Text(type(value["items"]).__name__) if "items" in value else MISSING
        return [Problem(ROOT / "items", given, "a list of objects")]
    return checks.check(value) if checks.is_read(value) else None


def _name(value: Any) -> tuple[str, str]:
    """Kind and name of an object, the name with the namespace if it is given."""
    kind = value.get("kind") if isinstance(value, dict) else None
    metadata = value.get("metadata") if isinstance(value, dict) else None
    found = metadata if isinstance(metadata, dict) else {}
    name = "/".join(str(found[key]) for key in ("namespace", "name") if found.get(key) is not None)
    return str(kind or "object without kind"), name or "without name"


def _text(objects: list[_Object]) -> str:
    lines = []
    for found in objects:
        mark = "·" if not found.checked else "✓" if not found.problems else "!"
        if any(not problem.ignored for _, problem in found.problems):
            mark = "✗"
        note = "" if found.checked else ", which ModelMesh Serving does not read"
        lines.append(f"{mark} {found.file}:{found.line}: {found.name}{note}")
        for line, problem in found.problems:
            lines.append(f"    {found.file}:{line}: {_MARKS[problem.ignored]}: {replace(problem, cure='')}")
            lines += [f"        {problem.cure}"] if problem.cure else []
    return "\n".join(lines)


def _json(objects: list[_Object]) -> str:
    found = [
        {
            "file": each.file,
            "line": line,
            "object": each.name,
            "path": str(problem.path),
            "value": problem.shown,
            "expected": problem.expected,
            "cure": problem.cure,
            "effect": _MARKS[problem.ignored],
        }
        for each in objects
        for line, problem in each.problems
    ]
    return json.dumps(found, indent=2)


def _github(objects: list[_Object]) -> str:
    lines = []
    for each in objects:
        for line, problem in each.problems:
            place = f"file={_escaped(each.file, ':,')},line={line},title={_escaped(each.name, ':,')}"
            lines.append(f"::{_COMMANDS[problem.ignored]} {place}::{_escaped(str(problem))}")
    return "\n".join(lines)


def _escaped(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


_OUTPUTS = {"text": _text, "json": _json, "github": _github}
