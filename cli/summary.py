"""Summary of a preview or an update for those who review it: models, images, restarts, policies and the bill.

Lines have the engine's marks (+, - and ~), so that the terminal and a pull request show the same text.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from cli import changes
from cli.events import Events, Finding
from policies.rules.bill import ITEMS, Bill, bill

_MOST_LINES = 20
"""Maximum number of lines of a section; further ones are only counted."""
_LONGEST_LINE = 200
_COLUMN = 10
_GIB = 2**30


def summary(events: Events, *, compared: bool = True) -> Iterator[str]:
    """Lines about a run that succeeded; `compared` tells whether the stack's state before it is known."""
    if not events.steps:
        return
    counts = sorted(events.counts.items(), key=lambda each: (each[0] == "same", each))
    yield f"Resources: {', '.join(f'{kind} {count}' for kind, count in counts)}"
    yield from _section("Models", changes.models(events))
    yield from _section("Images", changes.images(events))
    yield from _section("Restarts", changes.restarts(events))
    yield from _section("Golden predictions to ask", changes.golden(events))
    yield from findings(events)
    now, after = bill(events.old), bill(events.new)
    yield from _section("Bill", bill_lines({"now": now, "after": after} if compared else {"after": after}))


def findings(events: Events) -> Iterator[str]:
    """Lines about each policy that is violated, with the number of its findings: all of those that end the run."""
    rules: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in events.findings:
        rules[finding.level, finding.policy].append(finding)
    yield from _section(
        "Policies", (line for rule in sorted(rules, reverse=True) for line in _rule(*rule, rules[rule]))
    )


def _rule(level: str, policy: str, found: Sequence[Finding]) -> Iterator[str]:
    if level == "mandatory":
        yield f"- {policy} ({level}): {len(found)}"
        yield from (f"    {finding.resource}: {finding.text}" for finding in found)
    else:
        yield f"~ {policy} ({level}): {len(found)}, first {found[0].resource}: {found[0].text}"


def bill_lines(columns: Mapping[str, Bill]) -> Iterator[str]:
    """Table of bills, each below its title."""
    yield f"{'':<16}" + "".join(f"{title:>{_COLUMN}}" for title in columns)
    for item in ITEMS:
        values = (_shown(item, each.used[item]) for each in columns.values())
        yield f"{' '.join(reversed(item.split('.'))):<16}" + "".join(f"{value:>{_COLUMN}}" for value in values)
    if uncounted := columns["after"].uncounted:
        yield f"without {', '.join(uncounted)}: sizes are not known before the update"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield title
    for line in listed[:_MOST_LINES]:
        plain = " ".join(line.split("\n"))
        yield f"  {plain}" if len(plain) <= _LONGEST_LINE else f"  {plain[:_LONGEST_LINE]}…"
    if len(listed) > _MOST_LINES:
        yield f"  … and {len(listed) - _MOST_LINES} more"


def _shown(item: str, value: Decimal) -> str:
    return f"{value / _GIB:.2f}Gi" if "memory" in item else f"{value.normalize():f}"
