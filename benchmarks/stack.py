"""Measures the stack: from nothing to READY, a second runtime, and many models, each compared to kubectl if possible.

`.venv/bin/python -m benchmarks.stack` starts a separate embedded node, `bench`, deletes it at the end, and writes
tables and a plot to `benchmarks/results`. `--only a`, `b` or `c` measures one of the three, `--sizes 10,100` other
numbers of models; the results then go to `.build/benchmarks`. kubectl makes five requests per second, so that one of
its operations on 5,000 models takes 20 minutes: `--only c --sizes 5000 --limit 3600 --by-kubectl up` measures only one.

The stack and kubectl take turns in one run. Other load on the machine affects both, so results are ratios.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import engine_runs, installing, many, plot, stack_report
from benchmarks.measurements import CHANGE, DESTROY, UP
from benchmarks.measuring import begin, say
from benchmarks.stack_report import StackMeasurements
from benchmarks.stacks import CHANGES, opened
from benchmarks.texts import small_model
from cli.stack import Stack, open_stack
from embedded import lifecycle
from embedded.instance import instance
from project import ROOT
from project.errors import UserError

INSTANCE = "bench"
RESULTS = Path(__file__).parent / "results"
PARTIAL_RESULTS = ROOT / ".build/benchmarks"
SIZES = (10, 100, 300, 1_000)
BY_KUBECTL = (UP, CHANGE, DESTROY)
_PARTS = ("a", "b", "c")
_SECOND_RUNTIME_SECONDS = 600.0
"""Time limit; a mesh that is not notified takes up to eight minutes to detect a new runtime."""


def main() -> None:
    """Read the command line, measure, print and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stack", description="Measure the stack.")
    parser.add_argument("--only", choices=_PARTS, help="a: nothing to READY, b: second runtime, c: many models")
    parser.add_argument("--sizes", type=sizes, default=SIZES, help="numbers of models, such as 10,100")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of a and b (default: 3)")
    parser.add_argument(
        "--by-kubectl", nargs="*", choices=BY_KUBECTL, default=BY_KUBECTL, help="what kubectl does, too (default: all)"
    )
    parser.add_argument("--limit", type=float, default=600, help="seconds that one operation on models may take")
    parser.add_argument("--keep", action="store_true", help="keep the node for another run")
    arguments = parser.parse_args()
    begin()
    whole = not arguments.only and arguments.sizes == SIZES and arguments.by_kubectl == BY_KUBECTL
    results = RESULTS if whole else PARTIAL_RESULTS
    results.mkdir(parents=True, exist_ok=True)
    node = instance(INSTANCE)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            lifecycle.up(node, "solo")
            measured = measure(_dev(Path(scratch)), [arguments.only] if arguments.only else list(_PARTS), arguments)
        finally:
            if not arguments.keep:
                lifecycle.reset(node)
    text = stack_report.text(measured)
    (results / "stack.md").write_text(text)
    if measured.many:
        plot.plot_many(measured.many, results / "stack.svg")
    print(f"\n{text}\nwritten to {results}")


def measure(dev: Stack, parts: list[str], arguments: argparse.Namespace) -> StackMeasurements:
    """Measure some of the three; the stack `dev` is up after the first, and the others use it."""
    measured = StackMeasurements()
    if "a" in parts:
        measured.installing = installing.measure(dev, rounds=arguments.rounds)
    else:
        dev.pulumi("up", "--yes", "--skip-preview", "--non-interactive", quiet=True)
    image, path = dev.outputs()["image"], model_path(dev.resources())
    if "b" in parts:
        measured.second = second_runtime(image, path, rounds=arguments.rounds)
    if "c" in parts:
        # The same files under another name, which count as a change.
        paths = path, f"{path}/"
        for found in many.measure(INSTANCE, arguments.sizes, paths, arguments.by_kubectl, limit=arguments.limit):
            if isinstance(found, str):
                measured.left_out = found
            else:
                measured.many.append(found)
    return measured


def second_runtime(image: str, path: str, *, rounds: int) -> list[float]:
    """Seconds of each `up` that adds a second runtime with its first service beside a running mesh."""
    stack = opened("second", "second_runtime", INSTANCE, {"second:image": image, "second:path": path})
    found = []
    for number in range(rounds):
        try:
            found.append(engine_runs.run(stack, "up", *CHANGES, limit=_SECOND_RUNTIME_SECONDS).seconds)
        finally:
            engine_runs.run(stack, "destroy", *CHANGES, limit=_SECOND_RUNTIME_SECONDS)
        say(f"round {number + 1} of {rounds}: second runtime READY after {found[-1]:.1f} s")
    return found


def sizes(text: str) -> tuple[int, ...]:
    """Sorted numbers of models from the command line: later ones are omitted if an earlier one takes too long."""
    return tuple(sorted({int(number) for number in text.split(",")}))


def model_path(resources: list[dict[str, Any]]) -> str:
    """Path in the bucket of the model of the stack `dev`."""
    (spec,) = [
        each["inputs"]["spec"]
        for each in resources
        if each["type"].endswith(":InferenceService") and each["type"].startswith("kubernetes:")
    ]
    path: str = spec["predictor"]["model"]["storage"]["path"]
    return path


def _dev(scratch: Path) -> Stack:
    """The stack `dev` with a tiny model, whose load time is negligible."""
    model = small_model(scratch, 0)
    for file in model.iterdir():
        shutil.copymode(ROOT / "pyproject.toml", file)
    return open_stack("dev", INSTANCE, {"modelmesh:modelSource": str(model)}).with_policies()


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"✗ {error}")
