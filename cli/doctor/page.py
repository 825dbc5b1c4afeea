"""A report as text for people: findings first, then a line for each object, however many there are."""

from collections.abc import Iterable, Iterator, Sequence

from cli.doctor.findings import Finding, Line, Report, Section, Severity

_MARKS = {Severity.WELL: "✓", Severity.WARNING: "!", Severity.ERROR: "✗"}
_MOST_LINES = 20
"""Number of objects that a section shows one by one; of more, it counts those that are well."""
_LONGEST_EVIDENCE = 300


def page(report: Report) -> str:
    """Return the whole page."""
    return "\n".join([*_head(report), *found(report.findings()), *_sections(report)])


def found(findings: Iterable[Finding]) -> Iterator[str]:
    """Return the lines of findings, each with what to do."""
    for finding in findings:
        yield f"{_MARKS[finding.severity]} {finding.subject}: {finding.problem}"
        for evidence in finding.evidence:
            yield f"    {_clipped(evidence)}"
        for step in finding.steps:
            yield f"  → {step.text}:" if step.command else f"  → {step.text}"
            if step.command:
                yield f"      {step.command}"
        yield ""


def _head(report: Report) -> Iterator[str]:
    every = list(report.findings())
    counts = [
        f"{len(some)} {name}{'s' * (len(some) != 1)}"
        for severity, name in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"))
        if (some := [each for each in every if each.severity == severity])
    ]
    yield f"▸ Stack {report.stack}, {report.versions}: {' and '.join(counts) or 'all is well'}"
    width = max(map(len, report.outputs), default=0)
    for name, value in sorted(report.outputs.items()):
        first, *more = str(value).splitlines() or [""]
        yield f"  {name:<{width}}  {first}{f' … and {len(more)} lines more' if more else ''}"
    yield ""


def _sections(report: Report) -> Iterator[str]:
    for section in report.sections:
        if section.lines:
            yield _title(section)
            yield from _table(_shown(section.lines))
            yield ""


def _title(section: Section) -> str:
    well = sum(line.severity == Severity.WELL for line in section.lines)
    return f"{section.title}" + (f" ({well:,} of {len(section.lines):,} are well)" if len(section.lines) > 1 else "")


def _shown(lines: Sequence[Line]) -> Iterator[tuple[str, str, str]]:
    """Return mark, name and text of the lines to show: of many, those that are not well, and the number of others."""
    unwell = [line for line in lines if line.severity > Severity.WELL]
    shown = lines if len(lines) <= _MOST_LINES else unwell[:_MOST_LINES]
    yield from ((_MARKS[line.severity], line.name, line.text) for line in shown)
    if shown is not lines:
        if hidden := len(unwell) - len(shown):
            yield _MARKS[Severity.ERROR], f"{hidden:,} more", "not well; --output json has all"
        yield _MARKS[Severity.WELL], f"{len(lines) - len(unwell):,} others", "well"


def _table(rows: Iterator[tuple[str, str, str]]) -> Iterator[str]:
    listed = list(rows)
    width = max(len(name) for _, name, _ in listed)
    yield from (f"  {mark} {name:<{width}}  {text}" for mark, name, text in listed)


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_EVIDENCE else f"{line[:_LONGEST_EVIDENCE]} …"
