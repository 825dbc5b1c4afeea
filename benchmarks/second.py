"""Duration of an `up` that adds a second runtime with its first service beside a running mesh."""

from benchmarks import engine_runs
from benchmarks.engine_runs import EngineRun
from benchmarks.measuring import say
from benchmarks.stacks import CHANGES, opened

_LIMIT_SECONDS = 600.0
"""Time limit; a mesh that is not notified takes up to eight minutes to detect a new runtime."""


def measure(instance: str, image: str, path: str, *, rounds: int) -> list[EngineRun]:
    """Create and destroy the second runtime several times."""
    stack = opened("second", "second_runtime", instance, {"second:image": image, "second:path": path})
    found = []
    for number in range(rounds):
        try:
            found.append(engine_runs.run(stack, "up", *CHANGES, limit=_LIMIT_SECONDS))
        finally:
            engine_runs.run(stack, "destroy", *CHANGES, limit=_LIMIT_SECONDS)
        say(f"round {number + 1} of {rounds}: second runtime READY after {found[-1].seconds:.1f} s")
    return found
