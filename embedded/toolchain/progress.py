"""Progress of a build of the toolchain, measured by the cost of each program in an earlier build from nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from embedded.toolchain.programs import COSTS, Program

# How much of the build the measured duration counts for, before the machine has shown its own speed.
_PRIOR = 0.05


@dataclass
class Progress:
    """State of one build of `programs`, whose compiler writes a line for each package to `log(program)`."""

    programs: list[Program]
    log: Callable[[Program], Path]
    now: Callable[[], float] = time.monotonic
    active: dict[str, Path] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self.started = self.now()

    @contextmanager
    def building(self, program: Program) -> Iterator[None]:
        """Count `program` as active during the body, and as done after it."""
        self.log(program).unlink(missing_ok=True)
        self.active[program.module] = self.log(program)
        yield
        del self.active[program.module]
        self.done.add(program.module)

    def line(self) -> str:
        """Programs done of all, percent, the time left, and what is being compiled."""
        total = sum(COSTS[program.module].seconds for program in self.programs)
        active = dict(self.active)
        done = sum(COSTS[module].seconds for module in self.done)
        begun = sum(COSTS[module].seconds * _compiled(log, COSTS[module].packages) for module, log in active.items())
        part = (done + begun) / total
        left = (1 - part) * (self.now() - self.started + _PRIOR * total) / (part + _PRIOR)
        return (
            f"  … {len(self.done)} of {len(self.programs)} programs built, {part:.0%}, {_about(left)} left"
            f"{', now ' if active else ''}{' and '.join(active)}"
        )


def _compiled(log: Path, packages: int) -> float:
    """Part of a program that is compiled; linking is the rest."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return min(0.95, sum(not line.startswith("go: ") for line in lines) / packages)


def _about(seconds: float) -> str:
    return f"about {seconds / 60:.0f} min" if seconds > 90 else "a minute" if seconds > 30 else "seconds"
