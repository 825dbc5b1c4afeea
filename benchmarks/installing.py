"""Installation from an empty namespace to a served model, by the stack and by hand in upstream's order, in turn."""

from dataclasses import dataclass, field
from statistics import median

from benchmarks import engine_runs, upstream_order
from benchmarks.engine_runs import EngineRun, Event
from benchmarks.measuring import say
from benchmarks.stacks import CHANGES
from cli.stack import Stack

_LIMIT_SECONDS = 300.0


@dataclass
class Installing:
    """Results of each round: the engine's run, and the seconds of each step of the script."""

    ours: list[EngineRun] = field(default_factory=list)
    script: list[dict[str, float]] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Seconds of the stack ÷ those of the script within a round; the median of rounds."""
        pairs = zip(self.ours, self.script, strict=True)
        return median(ours.seconds / sum(script.values()) for ours, script in pairs)


def measure(stack: Stack, *, rounds: int) -> Installing:
    """Measure both from an empty namespace in each round; the stack is up afterwards.

    Images are built before, so neither waits for a build.
    """
    say("a first run to build the images")
    engine_runs.run(stack, "up", *CHANGES, limit=2 * _LIMIT_SECONDS)
    # Readable secrets are only kept in the memory of this process.
    planned = upstream_order.steps(stack.state("--show-secrets")["deployment"]["resources"])
    found = Installing()
    for number in range(rounds):
        engine_runs.run(stack, "destroy", *CHANGES, limit=_LIMIT_SECONDS)
        script = upstream_order.apply(stack, planned)
        found.script.append(script)
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in script.items())
        say(f"round {number + 1} of {rounds}: by hand {sum(script.values()):.1f} s ({steps})")
        upstream_order.delete(stack, planned)
        ours = engine_runs.run(stack, "up", *CHANGES, limit=_LIMIT_SECONDS)
        found.ours.append(ours)
        say(f"round {number + 1} of {rounds}: ours {ours.seconds:.1f} s")
    return found


def timeline(events: tuple[Event, ...]) -> list[tuple[str, float, float]]:
    """Name, start and end of each resource that the engine created, in the order of their starts."""
    starts = {each.urn: each.seconds for each in events if each.kind == "start"}
    ends = {each.urn: each.seconds for each in events if each.kind == "end"}
    spans = [(_name(urn), start, ends[urn]) for urn, start in starts.items() if urn in ends]
    return sorted(spans, key=lambda span: span[1])


def _name(urn: str) -> str:
    """Kind and name from a URN, without the components around it."""
    _, _, rest = urn.partition("::")
    kind, _, name = rest.partition("::")[2].partition("::")
    return f"{kind.rpartition('$')[2].rpartition(':')[2]} {name}"
