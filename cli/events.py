"""Events of one run of the engine: its steps from old to new resources, and the findings of its policies.

The engine appends them to a file as JSON, one a line, in the format of Pulumi's API. Secrets in them are masked.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policies.rules.reading import UNKNOWN
from policies.rules.resource import Resource

_NOT_KNOWN_YET = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Text of the engine for a value that is known after the update."""
_SPECIAL = "4dabf18193072939515e22adb298388d"
"""Key of the engine in a mapping that stands for a secret, whose value events do not have."""
_NO_CHANGE = ("read", "refresh", "discard", "delete-replaced", "remove-pending-replace")
"""Steps that read a resource, or delete a former version of it after its replacement."""
_COLOUR = re.compile(r"<\{%.*?%\}>")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A resource before and after the run, or None if it does not exist then."""

    old: Resource | None
    new: Resource | None
    replaced: bool = False
    changes: tuple[str, ...] = ()
    """Paths of changed properties, as the provider reports them."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Violation of a policy."""

    policy: str
    level: str
    resource: str
    """Name of the resource in the program."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Events:
    """Everything that happened in one run."""

    steps: tuple[Step, ...] = ()
    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    """Number of resources by the kind of their change."""

    @property
    def old(self) -> list[Resource]:
        """Resources before the run."""
        return [step.old for step in self.steps if step.old]

    @property
    def new(self) -> list[Resource]:
        """Resources after the run."""
        return [step.new for step in self.steps if step.new]


def read(file: Path) -> Events:
    """Events in a file, without a last line that the engine has not finished."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return parsed(json.loads(line) for line in text.split("\n")[:-1])


def parsed(events: Iterable[Mapping[str, Any]]) -> Events:
    """Events as the engine writes them."""
    steps: dict[str, Step] = {}
    findings: list[Finding] = []
    counts: dict[str, int] = {}
    for event in events:
        if step := event.get("resourcePreEvent"):
            _add(steps, step["metadata"])
        elif finding := event.get("policyEvent"):
            findings.append(_finding(finding))
        elif summary := event.get("summaryEvent"):
            counts = summary["resourceChanges"]
    return Events(steps=tuple(steps.values()), findings=tuple(dict.fromkeys(findings)), counts=counts)


def _add(steps: dict[str, Step], metadata: Mapping[str, Any]) -> None:
    """Merge one event into the steps: a replacement has several for the same resource."""
    urn, operation = metadata["urn"], metadata["op"]
    if operation in _NO_CHANGE:
        return
    former = steps.get(urn, Step(old=None, new=None))
    steps[urn] = Step(
        old=former.old or _resource(metadata, "old"),
        new=former.new or _resource(metadata, "new"),
        replaced="replace" in operation,
        changes=former.changes or tuple(metadata.get("detailedDiff") or metadata.get("diffs") or ()),
    )


def _resource(metadata: Mapping[str, Any], which: str) -> Resource | None:
    state = metadata.get(which)
    return state and Resource(token=metadata["type"], urn=metadata["urn"], properties=_known(state.get("inputs") or {}))


def _known(value: Any) -> Any:
    if value == _NOT_KNOWN_YET or (isinstance(value, dict) and _SPECIAL in value):
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _known(entry) for key, entry in value.items()}
    return [_known(entry) for entry in value] if isinstance(value, list) else value


def _finding(event: Mapping[str, Any]) -> Finding:
    """The finding without colours, and without the description of its policy in the first line."""
    message = _COLOUR.sub("", event["message"])
    return Finding(
        policy=event["policyName"],
        level=event["enforcementLevel"],
        resource=event.get("resourceUrn", "").rpartition("::")[2],
        text=(message.partition("\n")[2] or message).strip(),
    )
