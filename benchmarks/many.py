"""Many small models on a running runtime, by the stack and by kubectl with the same objects, in turn."""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import engine_runs
from benchmarks.errors import BenchmarkError
from benchmarks.measuring import say
from cli.stack import Stack, open_stack
from project import ROOT

UP, PREVIEW, CHANGE, DESTROY = OPERATIONS = ("up", "no-op preview", "one changed", "destroy")
PROGRAM = Path(__file__).parent / "many_models"
_LABEL = "benchmark=many"
_LOADED = "jsonpath={.status.modelStatus.states.activeModelState}=Loaded"


@dataclass
class ManyModels:
    """Results for one number of models."""

    models: int
    ours: dict[str, list[float]] = field(default_factory=dict)
    """Seconds of each operation of the stack, one per round."""
    kubectl: dict[str, list[float]] = field(default_factory=dict)
    """Seconds of kubectl for those operations that have a counterpart."""
    memory: dict[str, int] = field(default_factory=dict)
    """Peak bytes of the engine, the program and plugins together in each operation."""
    state: int = 0
    """Size of the state file in bytes."""


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
            _clear(_opened(instance, 1, paths[0]))
            left_out = ", ".join(f"{each:,}" for each in sizes[place:])
            yield f"N = {left_out} left out: with {models:,}, {error}"
            return
        yield measured


def _round(instance: str, measured: ManyModels, paths: tuple[str, str], limit: float) -> None:
    first, second = paths
    stack = _opened(instance, measured.models, first)
    changes = ("--yes", "--skip-preview")

    def ours(what: str, on: Stack, *arguments: str) -> None:
        ran = engine_runs.run(on, *arguments, limit=limit)
        measured.ours.setdefault(what, []).append(ran.seconds)
        measured.memory[what] = max(measured.memory.get(what, 0), ran.memory)
        say(f"{measured.models:,} models, {what}: {ran.seconds:.1f} s, {ran.memory / 2**20:,.0f} MiB")

    ours(UP, stack, "up", *changes)
    measured.state = engine_runs.state_file(stack).stat().st_size
    manifests = objects(stack.resources())
    ours(PREVIEW, stack, "preview")
    ours(CHANGE, _opened(instance, measured.models, first, second), "up", *changes)
    ours(DESTROY, stack, "destroy", *changes)

    def kubectl(what: str, *commands: list[str], text: str | None = None) -> None:
        started = time.monotonic()
        for command in commands:
            _kubectl(stack, command, text, limit)
        seconds = time.monotonic() - started
        measured.kubectl.setdefault(what, []).append(seconds)
        say(f"{measured.models:,} models, {what} by kubectl: {seconds:.1f} s")

    apply = stack.kubectl("apply", "--server-side", "--filename=-")
    timeout = f"--timeout={limit:.0f}s"
    loaded = stack.kubectl("wait", "inferenceservices", "--selector", _LABEL, "--namespace", "modelmesh-serving",
                           f"--for={_LOADED}", timeout)  # fmt: skip
    kubectl(UP, apply, loaded, text=_list(manifests))
    manifests[0]["spec"]["predictor"]["model"]["storage"]["path"] = second
    kubectl(CHANGE, apply, loaded, text=_list(manifests))
    kubectl(DESTROY, stack.kubectl("delete", "--wait", timeout, "--filename=-"), text=_list(manifests))


def objects(resources: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """InferenceServices of the table in a stack's state, as a user would write them for kubectl."""
    (table,) = [each["inputs"]["data"] for each in resources if each["type"] == "kubernetes:core/v1:ConfigMap"]
    services = [json.loads(text) for _, text in sorted(table.items())]
    for service in services:
        # kubectl needs neither the owner nor the labels by which the stack finds them.
        del service["metadata"]["ownerReferences"]
        service["metadata"]["labels"] = {"benchmark": "many"}
        service["metadata"]["namespace"] = "modelmesh-serving"
    return services


def _list(manifests: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})


def _kubectl(stack: Stack, command: list[str], text: str | None, limit: float) -> None:
    try:
        ended = subprocess.run(
            command, env=stack.environment, input=text, text=True, capture_output=True, timeout=limit + 10
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"kubectl took longer than {limit:.0f} s") from None
    if ended.returncode:
        raise BenchmarkError(f"kubectl failed: {ended.stderr.strip()[-500:]}")


def _clear(stack: Stack) -> None:
    """Delete everything that an interrupted round has left."""
    engine_runs.run(stack, "destroy", "--yes", "--skip-preview", limit=600)
    _kubectl(stack, stack.kubectl("delete", "inferenceservices", "--selector", _LABEL, "--namespace",
                                  "modelmesh-serving", "--wait"), None, 600)  # fmt: skip


def _opened(instance: str, models: int, path: str, changed: str = "") -> Stack:
    config = {"many:models": models, "many:path": path, "many:changedPath": changed}
    stack = open_stack("many", instance, config, PROGRAM)
    return replace(stack, environment=stack.environment | {"PYTHONPATH": str(ROOT)})
