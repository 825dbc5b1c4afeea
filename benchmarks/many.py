"""Many small models on a running runtime, by the stack and by kubectl with the same objects, in turn."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import engine_runs
from benchmarks.errors import BenchmarkError
from benchmarks.measurements import CHANGE, DESTROY, PREVIEW, UP, ManyModels
from benchmarks.measuring import say
from benchmarks.stacks import CHANGES, LOADED, NAMESPACE, kubectl, opened
from cli.stack import Stack

_SERVICES = ("inferenceservices", "--selector", "benchmark=many", "--namespace", NAMESPACE)


def measure(
    instance: str, sizes: Sequence[int], paths: tuple[str, str], *, rounds: int, limit: float
) -> Iterator[ManyModels | str]:
    """Measure each number of models in turn.

    Ends with a text when one takes longer than `limit` seconds, which explains why the remaining ones are missing.
    """
    for place, models in enumerate(sizes):
        measured = ManyModels(models)
        try:
            for _ in range(rounds):
                _round(instance, measured, paths, limit)
        except BenchmarkError as error:
            # Delete everything that the interrupted round has left.
            stack = _opened(instance, 1, paths[0])
            engine_runs.run(stack, "destroy", *CHANGES, limit=600)
            kubectl(stack, "delete", *_SERVICES, "--wait", limit=600)
            left_out = ", ".join(f"{each:,}" for each in sizes[place:])
            yield f"N = {left_out} left out: with {models:,}, {error}"
            return
        yield measured


def _round(instance: str, measured: ManyModels, paths: tuple[str, str], limit: float) -> None:
    first, second = paths
    stack = _opened(instance, measured.models, first)

    def ours(what: str, on: Stack, *arguments: str) -> None:
        ran = engine_runs.run(on, *arguments, limit=limit)
        measured.ours.setdefault(what, []).append(ran.seconds)
        measured.memory[what] = max(measured.memory.get(what, 0), ran.memory)
        say(f"{measured.models:,} models, {what}: {ran.seconds:.1f} s, {ran.memory / 2**20:,.0f} MiB")

    ours(UP, stack, "up", *CHANGES)
    measured.state = engine_runs.state_file(stack).stat().st_size
    manifests = objects(stack.resources())
    ours(PREVIEW, stack, "preview")
    ours(CHANGE, _opened(instance, measured.models, first, second), "up", *CHANGES)
    ours(DESTROY, stack, "destroy", *CHANGES)

    def by_hand(what: str, *commands: tuple[str, ...]) -> None:
        started = time.monotonic()
        for command in commands:
            kubectl(stack, *command, objects=None if command[0] == "wait" else manifests, limit=limit + 10)
        seconds = time.monotonic() - started
        measured.kubectl.setdefault(what, []).append(seconds)
        say(f"{measured.models:,} models, {what} by kubectl: {seconds:.1f} s")

    timeout = f"--timeout={limit:.0f}s"
    applied = ("apply", "--server-side"), ("wait", *_SERVICES, f"--for={LOADED}", timeout)
    by_hand(UP, *applied)
    manifests[0]["spec"]["predictor"]["model"]["storage"]["path"] = second
    by_hand(CHANGE, *applied)
    by_hand(DESTROY, ("delete", "--wait", timeout))


def objects(resources: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """InferenceServices of the table in a stack's state, as a user would write them for kubectl."""
    tables = [each["inputs"]["data"] for each in resources if each["type"] == "kubernetes:core/v1:ConfigMap"]
    services = [json.loads(text) for _, text in sorted(item for table in tables for item in table.items())]
    for service in services:
        # kubectl needs neither the owner nor the labels by which the stack finds them.
        del service["metadata"]["ownerReferences"]
        service["metadata"]["labels"] = {"benchmark": "many"}
        service["metadata"]["namespace"] = NAMESPACE
    return services


def _opened(instance: str, models: int, path: str, changed: str = "") -> Stack:
    return opened(
        "many", "many_models", instance, {"many:models": models, "many:path": path, "many:changedPath": changed}
    )
