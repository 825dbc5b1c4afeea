"""Installation from an empty namespace to a served model, by the stack and by hand in upstream's order, in turn."""

import json
import time
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from benchmarks import engine_runs, upstream_order
from benchmarks.engine_runs import EngineRun, Event
from benchmarks.measuring import say
from cli.stack import Stack

_CHANGES = ("--yes", "--skip-preview")
_LIMIT_SECONDS = 300.0
_NAMESPACE = "modelmesh-serving"


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
    up = ("up", *_CHANGES)
    say("a first run to build the images")
    engine_runs.run(stack, *up, limit=2 * _LIMIT_SECONDS)
    planned = upstream_order.steps(with_secrets(stack))
    by_hand = _with_kubeconfig(stack)
    found = Installing()
    for number in range(rounds):
        _destroy(stack)
        script = upstream_order.apply(by_hand, planned, _NAMESPACE, sleep=time.sleep)
        found.script.append(script)
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in script.items())
        say(f"round {number + 1} of {rounds}: by hand {sum(script.values()):.1f} s ({steps})")
        _delete(by_hand, planned)
        ours = engine_runs.run(stack, *up, limit=_LIMIT_SECONDS)
        found.ours.append(ours)
        say(f"round {number + 1} of {rounds}: ours {ours.seconds:.1f} s")
    return found


def with_secrets(stack: Stack) -> list[dict[str, Any]]:
    """The stack's resources with readable secrets, only kept in the memory of this process."""
    exported = stack.pulumi("stack", "export", "--show-secrets", quiet=True).stdout
    found: list[dict[str, Any]] = json.loads(exported)["deployment"]["resources"]
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


def _destroy(stack: Stack) -> None:
    engine_runs.run(stack, "destroy", *_CHANGES, limit=_LIMIT_SECONDS)


def _delete(by_hand: Stack, planned: list[upstream_order.Step]) -> None:
    """Delete everything in reverse order: the controller must be running while its runtimes are deleted."""
    upstream_order.delete(by_hand, list(reversed(planned)))


def _with_kubeconfig(stack: Stack) -> Stack:
    """Stack with kubectl's kubeconfig in its environment, since asking the engine would add to the durations."""
    assert stack.embedded
    return replace(stack, environment=stack.environment | {"KUBECONFIG": str(stack.embedded.kubeconfig)})
