"""Report of a run about the stack: the promises and the tables in Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from benchmarks.installing import Installing, timeline
from benchmarks.measurements import DESTROY, OPERATIONS, PREVIEW, UP, ManyModels
from benchmarks.report import NOTHING, Promise, kib, mib, promise_table, table, times

_FEW = 100
"""Number of models with which the cost per model is compared."""


@dataclass
class StackMeasurements:
    """All results of a run; parts that were not selected are missing."""

    installing: Installing | None = None
    second: list[float] = field(default_factory=list)
    """Seconds until a second runtime's first service was served, by round."""
    many: list[ManyModels] = field(default_factory=list)
    left_out: str = ""
    """Reason why some numbers of models are missing."""


def text(measured: StackMeasurements) -> str:
    """The whole report."""
    parts = [promise_table(promises(measured), "")]
    if measured.installing:
        parts += [step_table(measured.installing), timeline_table(measured.installing)]
    if measured.many:
        parts += [many_table(measured.many), growth_table(measured.many)]
    if measured.left_out:
        parts.append(f"{measured.left_out}\n")
    return "\n".join(parts)


def promises(measured: StackMeasurements) -> list[Promise]:
    """Promises of the stack with their measured values."""
    installing = measured.installing
    return [
        Promise(
            what="empty namespace to READY ÷ by hand in upstream's order",
            value=installing.ratio if installing else None, form=times, bound=0.7,
        ),
        Promise(
            what="second runtime with its first service beside a running one",
            value=median(measured.second) if measured.second else None, form="{:.1f} s".format, bound=20,
        ),
        *(_at_scale(measured.many[-1]) if measured.many else ()),
        *_growth_promise(measured.many),
    ]  # fmt: skip


def _at_scale(most: ManyModels) -> list[Promise]:
    """Promises about the largest number of models."""
    return [
        *(
            Promise(
                what=f"{what} of {most.models:,} models ÷ kubectl's",
                value=most.ours[what] / most.kubectl[what] if what in most.kubectl else None, form=times, bound=1.3,
            )
            for what in (UP, DESTROY)
        ),
        Promise(
            what=f"no-op preview of {most.models:,} models", value=most.ours[PREVIEW], form="{:.1f} s".format, bound=8
        ),
    ]  # fmt: skip


def _growth_promise(many: Sequence[ManyModels]) -> Iterator[Promise]:
    """Promise about the cost per model, if both numbers of models were measured."""
    if (less := next((each for each in many if each.models == _FEW), None)) and many[-1].models > _FEW:
        more = many[-1]
        cost, before = (each.ours[UP] / each.models for each in (more, less))
        what = f"up of {more.models:,} models, cost of each ÷ that with {_FEW}"
        yield Promise(what=what, value=cost / before, form=times, bound=1.2)


def step_table(installing: Installing) -> str:
    """Seconds of the script's steps, and of the stack; medians of all rounds."""
    names = list(installing.script[0])
    rows = [(f"by hand: {name}", f"{median(each[name] for each in installing.script):.1f} s") for name in names]
    rows.append(("by hand, all", f"{median(sum(each.values()) for each in installing.script):.1f} s"))
    rows.append(("the stack's `up`, all", f"{median(each.seconds for each in installing.ours):.1f} s"))
    return table(("step", "time"), rows)


def timeline_table(installing: Installing, *, least: float = 1.0) -> str:
    """Table of the resources of the last `up` that took longer than `least` seconds."""
    last = installing.ours[-1]
    rows = [
        (name, f"{start:.1f}", f"{end:.1f}", f"{end - start:.1f}")
        for name, start, end in timeline(last.events)
        if end - start >= least
    ]
    return table((f"resource ({last.seconds:.1f} s in all)", "from, s", "to, s", "s"), rows)


def many_table(many: Sequence[ManyModels]) -> str:
    """Seconds, ratio to kubectl, memory and state file by number of models."""
    rows = []
    for each in many:
        for what in OPERATIONS:
            ours, by_hand = each.ours[what], each.kubectl.get(what)
            rows.append(
                (
                    f"{each.models:,} models, {what}",
                    f"{ours:.1f} s",
                    f"{by_hand:.1f} s" if by_hand else NOTHING,
                    times(ours / by_hand) if by_hand else NOTHING,
                    mib(each.memory[what]),
                    kib(each.state) if what == UP else NOTHING,
                )
            )
    return table(("", "stack", "kubectl", "stack ÷ kubectl", "most memory", "state file"), rows)


def growth_table(many: Sequence[ManyModels]) -> str:
    """Table of the cost of one more model between one number of models and the next."""
    rows = [
        (f"{less.models:,} to {more.models:,} models", *(_growth(less, more, what) for what in OPERATIONS))
        for less, more in pairwise(many)
    ]
    return table(("one more model", *OPERATIONS), rows)


def _growth(less: ManyModels, more: ManyModels, what: str) -> str:
    seconds = more.ours[what] - less.ours[what]
    return f"{seconds / (more.models - less.models) * 1000:.0f} ms"
