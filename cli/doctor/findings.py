"""Records of a report: sections with a line for each object, and a finding for each object that is not well."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """Degree to which an object is not well."""

    WELL = 0
    WARNING = 1
    """Everything answers, and something needs attention."""
    ERROR = 2
    """Something does not answer, or does not do what the stack says."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Advice on a finding."""

    text: str
    command: str = ""
    """Command line that can be pasted into a shell; empty if the advice is about a file."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One object, or several with one cause, that are not well."""

    severity: Severity
    subject: str
    """Kind, namespace and name."""
    problem: str
    evidence: tuple[str, ...] = ()
    """Events and the last lines of logs."""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Line:
    """One object of a section."""

    name: str
    text: str
    severity: Severity = Severity.WELL
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Values of the text for programs."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One subject of the page."""

    title: str
    lines: tuple[Line, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that is known about a stack."""

    stack: str
    versions: str
    """Versions of the cluster and of the engine."""
    outputs: Mapping[str, Any]
    """Outputs of the stack; values that are secret are hidden by the engine."""
    sections: tuple[Section, ...]
    """Sections in causal order: a store that is gone explains models that cannot load."""

    def findings(self) -> Iterator[Finding]:
        """Return all findings, errors first, and each kind in causal order."""
        every = [finding for section in self.sections for finding in section.findings]
        yield from sorted(every, key=lambda finding: -finding.severity)

    @property
    def severity(self) -> Severity:
        """Severity of the worst finding."""
        return max((finding.severity for finding in self.findings()), default=Severity.WELL)
