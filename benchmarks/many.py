"""Many small models on a running runtime, by the stack and by kubectl with the same objects, in turn."""

import json
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from benchmarks import engine_runs
from benchmarks.errors import BenchmarkError
from benchmarks.measurements import CHANGE, DESTROY, PREVIEW, UP, ManyModels
from benchmarks.measuring import say
from benchmarks.stacks import CHANGES, LOADED, NAMESPACE, kubectl, opened
from cli.stack import Stack

_TABLE = ("--selector", "modelmesh.pulumi.com/services", "--namespace", NAMESPACE)
_SERVICES = ("inferenceservices", "--selector", "benchmark=many", "--namespace", NAMESPACE)


def measure(
    instance: str, sizes: Sequence[int], paths: tuple[str, str], by_kubectl: Collection[str], *, limit: float
) -> Iterator[ManyModels | str]:
    """Measure each number of models in turn; `by_kubectl` names the operations that kubectl does, too.

    Ends with a text when one takes longer than `limit` seconds, which explains why the remaining ones are missing.
    """
    for place, models in enumerate(sizes):
        try:
            yield _measured(instance, models, paths, by_kubectl, limit)
        except BenchmarkError as error:
            # Delete everything that is left.
            stack = _opened(instance, 1, paths[0])
            engine_runs.run(stack, "destroy", *CHANGES, limit=600)
            kubectl(stack, "delete", *_SERVICES, "--wait", limit=600)
            left_out = ", ".join(f"{each:,}" for each in sizes[place:])
            yield f"N = {left_out} left out: with {models:,}, {error}"
            return


def _measured(
    instance: str, models: int, paths: tuple[str, str], by_kubectl: Collection[str], limit: float
) -> ManyModels:
    measured, (first, second) = ManyModels(models), paths
    stack = _opened(instance, models, first)

    def ours(what: str, on: Stack, *arguments: str) -> None:
        ran = engine_runs.run(on, *arguments, limit=limit)
        measured.ours[what], measured.memory[what] = ran.seconds, ran.memory
        say(f"{models:,} models, {what}: {ran.seconds:.1f} s, {ran.memory / 2**20:,.0f} MiB")

    ours(UP, stack, "up", *CHANGES)
    measured.state = engine_runs.state_file(stack).stat().st_size
    config_maps = kubectl(stack, "get", "configmaps", *_TABLE, "--output=name").split()
    say(f"{models:,} models: {len(config_maps)} ConfigMaps hold the table")
    manifests = objects(stack.resources())
    ours(PREVIEW, stack, "preview")
    ours(CHANGE, _opened(instance, models, first, second), "up", *CHANGES)
    ours(DESTROY, stack, "destroy", *CHANGES)

    def by_hand(what: str, *commands: tuple[str, ...]) -> None:
        if what not in by_kubectl:
            return
        started = time.monotonic()
        for command in commands:
            kubectl(stack, *command, objects=None if command[0] == "wait" else manifests, limit=limit + 10)
        measured.kubectl[what] = time.monotonic() - started
        say(f"{models:,} models, {what} by kubectl: {measured.kubectl[what]:.1f} s")

    timeout = f"--timeout={limit:.0f}s"
    applied = ("apply", "--server-side"), ("wait", *_SERVICES, f"--for={LOADED}", timeout)
    by_hand(UP, *applied)
    manifests[0]["spec"]["predictor"]["model"]["storage"]["path"] = second
    by_hand(CHANGE, *applied)
    by_hand(DESTROY, ("delete", "--wait", timeout))
    if DESTROY not in by_kubectl:
        kubectl(stack, "delete", *_SERVICES, "--wait", limit=limit)
    return measured


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
