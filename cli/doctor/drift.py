"""Section of the drift: objects that differ from what the stack applied.

The comparison needs only the right to read. `make drift` has the engine compare, which also sees changes of secrets and
of the stack's files, and needs the right to apply.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from cli.doctor.commands import Commands
from cli.doctor.findings import Finding, Line, Section, Severity, Step
from cli.doctor.observation import Observation
from cli.doctor.state import SECRET, Applied

_ENGINES = ("pulumi.com/", "__")
"""Prefixes of annotations and fields that are for the engine."""
_MOST_NAMED = 8
_LONGEST_VALUE = 80


def drift(observation: Observation, commands: Commands) -> Section:
    """Compare each object that the stack applied with the cluster."""
    compared = [each for each in observation.applied if each.identity in observation.live]
    drifted = {str(each.identity): text for each in compared if (text := _difference(observation, each))}
    if not drifted:
        line = Line(name="none", text=f"{len(compared)} objects are as the stack applied them")
        return Section(title="Drift", lines=(line,))
    lines = tuple(Line(name=name, text=text, severity=Severity.WARNING) for name, text in drifted.items())
    more = len(lines) - _MOST_NAMED
    finding = Finding(
        severity=Severity.WARNING,
        subject=f"{len(lines)} of the stack's {len(compared)} objects",
        problem="they differ from what the stack applied",
        evidence=(
            *(f"{line.name}: {line.text}" for line in lines[:_MOST_NAMED]),
            *([f"and {more:,} more"] if more > 0 else []),
        ),
        steps=(
            Step(text="Compare secrets and the stack's files, too", command=commands.make("drift")),
            Step(text="Restore what the stack has", command=commands.make("up")),
        ),
    )
    return Section(title="Drift", lines=lines, findings=(finding,))


def _difference(observation: Observation, applied: Applied) -> str:
    """Return the first differences of an object; empty if there is none."""
    live = observation.live[applied.identity]
    if live is None:
        return "does not exist"
    found = list(differences(applied.inputs, live))
    return ", ".join(found[:2]) + (f" and {len(found) - 2} more" if len(found) > 2 else "")


def differences(wanted: Any, found: Any, path: str = "") -> Iterator[str]:
    """Return where the cluster lacks what was applied; fields that others have added are no difference."""
    if isinstance(wanted, Mapping) and SECRET in wanted:
        return  # encrypted
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in wanted.items():
            if not key.startswith(_ENGINES):
                yield from differences(value, found.get(key), f"{path}.{key}" if path else key)
    elif isinstance(wanted, Sequence) and isinstance(found, Sequence) and not isinstance(wanted, str):
        yield from _list_differences(wanted, found, path)
    elif not _same(wanted, found):
        yield f"{path} is absent" if found is None else f"{path} is {_shown(found)} instead of {_shown(wanted)}"


def _list_differences(wanted: Sequence[Any], found: Sequence[Any], path: str) -> Iterator[str]:
    """Compare lists: entries with names may be joined by others, and the rest has to be in its order."""
    by_name = {each["name"]: each for each in found if isinstance(each, Mapping) and "name" in each}
    if by_name and all(isinstance(each, Mapping) and "name" in each for each in wanted):
        for each in wanted:
            yield from differences(each, by_name.get(each["name"]), f"{path}[{each['name']}]")
    elif len(wanted) != len(found):
        yield f"{path} has {len(found)} entries instead of {len(wanted)}"
    else:
        for index, (ours, theirs) in enumerate(zip(wanted, found, strict=True)):
            yield from differences(ours, theirs, f"{path}[{index}]")


def _same(wanted: Any, found: Any) -> bool:
    """Return whether two values are equal for the API server, which leaves out empty ones."""
    if wanted == found or (not wanted and not found):
        return True
    try:
        return bool(parse_quantity(wanted) == parse_quantity(found))
    except (TypeError, ValueError):
        return False


def _shown(value: Any) -> str:
    text = str(value)
    is_short = len(text) <= _LONGEST_VALUE and "\n" not in text and not isinstance(value, Mapping | list)
    return text if is_short else "another value"
