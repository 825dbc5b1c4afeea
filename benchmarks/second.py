"""Duration of an `up` that adds a second runtime with its first service beside a running mesh."""

from dataclasses import replace
from pathlib import Path

from benchmarks import engine_runs
from benchmarks.engine_runs import EngineRun
from benchmarks.measuring import say
from cli.stack import open_stack
from project import ROOT

PROGRAM = Path(__file__).parent / "second_runtime"
_LIMIT_SECONDS = 600.0
"""Time limit; a mesh that is not notified takes up to eight minutes to detect a new runtime."""
_FLAGS = ("--yes", "--skip-preview")


def measure(instance: str, image: str, path: str, *, rounds: int) -> list[EngineRun]:
    """Create and destroy the second runtime several times."""
    config = {"second:image": image, "second:path": path}
    opened = open_stack("second", instance, config, PROGRAM)
    stack = replace(opened, environment=opened.environment | {"PYTHONPATH": str(ROOT)})
    found = []
    for number in range(rounds):
        try:
            found.append(engine_runs.run(stack, "up", *_FLAGS, limit=_LIMIT_SECONDS))
        finally:
            engine_runs.run(stack, "destroy", "--yes", "--skip-preview", limit=_LIMIT_SECONDS)
        say(f"round {number + 1} of {rounds}: second runtime READY after {found[-1].seconds:.1f} s")
    return found
