"""Measures a served model through ModelMesh: rate and latency of steady requests, and the time of a cold load.

The requests go through `kubectl port-forward` to one pod of the mesh, like those of `make predict`. For the cold load,
a copy of the model's InferenceService is created, asked until it answers, and deleted.
"""

import json
import threading
import time
from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
from tritonclient.utils import InferenceServerException

from cli.ask import read
from cli.errors import CommandError
from cli.predict import TIMEOUT_SECONDS, ServedModel, served_model, tensors
from cli.stack import Stack, open_stack
from project.progress import say

CLIENTS = 8
"""Requests at the same time."""
LONGEST_SECONDS = 600
COLD_SECONDS = 300
_PREFIX = "serving.kserve.io/"
_COPY_OF = "modelmesh.pulumi.com/copy-of"
"""Annotation of a copy with the name of the original; no other InferenceService is deleted."""
_PAUSE_SECONDS = 0.05


@dataclass
class Measured:
    """Latencies of answers in seconds, and messages of failures."""

    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        p50, p99 = numpy.percentile(self.latencies, (50, 99)) * 1000
        return (
            f"  requests   {len(self.latencies):,}, {len(self.failures)} failed\n"
            f"  rate       {len(self.latencies) / self.seconds:,.0f} req/s\n"
            f"  p50        {p50:.1f} ms\n"
            f"  p99        {p99:.1f} ms"
        )


def bench(arguments: Namespace) -> None:
    """Print rate, latencies and cold load of one model."""
    if not 0 < arguments.seconds <= LONGEST_SECONDS:
        raise CommandError(f"SECONDS={arguments.seconds}: expected 1 to {LONGEST_SECONDS}")
    request = read(Path(arguments.file)) if arguments.file else None
    stack = open_stack(arguments.stack, arguments.instance)
    with served_model(stack, arguments.model) as model:
        try:
            inputs = tensors(request or model.sample(arguments.text))
        except ValueError as error:
            raise CommandError(
                f"{arguments.file}: data does not fit datatype and shape of its tensor: {error}"
            ) from None
        _ask(model.client, model.name, inputs)  # its errors are explained, and it connects
        say(f"▸ {arguments.seconds} s of requests to {model.name}, {CLIENTS} at a time")
        measured = drive(lambda: _ask(model.client, model.name, inputs), arguments.seconds)
        print(measured, flush=True)
        say(f"▸ Cold load of a copy of {model.name}")
        print(f"  cold load  {cold_load(stack, model, inputs):.1f} s", flush=True)
    if measured.failures:
        raise CommandError(f"{len(measured.failures)} requests failed, the first with: {measured.failures[0]}")


def drive(ask: Callable[[], object], seconds: float) -> Measured:
    """Ask for so many seconds, and show the progress; requests at the end of that time are waited for."""
    measured, stop = Measured(), threading.Event()
    started = time.monotonic()

    def client() -> None:
        while not stop.is_set() and time.monotonic() < started + seconds:
            asked = time.monotonic()
            try:
                ask()
            except InferenceServerException as error:
                measured.failures.append(error.message())
                stop.wait(_PAUSE_SECONDS)
            else:
                measured.latencies.append(time.monotonic() - asked)

    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(client) for _ in range(CLIENTS)]
        try:
            while wait(running, timeout=1).not_done:
                say(f"  {time.monotonic() - started:.0f} s: {len(measured.latencies):,} answers")
        finally:
            stop.set()
    for each in running:
        each.result()
    measured.seconds = time.monotonic() - started
    if not measured.latencies:
        raise CommandError(f"no request was answered, the first failed with: {measured.failures[0]}")
    return measured


def cold_load(stack: Stack, model: ServedModel, inputs: list[Any]) -> float:
    """Seconds from the creation of a copy of the model's InferenceService to its first answer."""
    copy = f"{model.name}-bench"
    where = ("--namespace", str(stack.outputs()["namespace"]))
    delete = stack.kubectl("delete", "inferenceservice", copy, *where, "--ignore-not-found")
    get = ("get", "inferenceservice", *where, "--output=json")
    service = json.loads(stack.run(stack.kubectl(*get, model.name), quiet=True))
    annotations = service["metadata"].get("annotations", {}).items()
    kept = {key: value for key, value in annotations if key.startswith(_PREFIX)}
    made = {key: service[key] for key in ("apiVersion", "kind", "spec")}
    if found := stack.run(stack.kubectl(*get, copy, "--ignore-not-found"), quiet=True):
        if json.loads(found)["metadata"].get("annotations", {}).get(_COPY_OF) != model.name:
            raise CommandError(
                f"the cold load needs a copy named {copy}, and there is an InferenceService of this name that is none: "
                "measure another model"
            )
        stack.run(delete, quiet=True)  # a copy that a killed measurement left
    started = time.monotonic()
    try:
        metadata = {"name": copy, "annotations": kept | {_COPY_OF: model.name}}
        text = json.dumps(made | {"metadata": metadata})
        stack.run(stack.kubectl("create", *where, "--filename=-"), quiet=True, given=text)
        while True:
            try:
                _ask(model.client, copy, inputs)
            except InferenceServerException as error:
                if time.monotonic() > started + COLD_SECONDS:
                    raise CommandError(f"{copy} does not answer after {COLD_SECONDS} s: {error.message()}") from None
                time.sleep(_PAUSE_SECONDS)
            else:
                return time.monotonic() - started
    finally:
        stack.run(delete, quiet=True)


def _ask(client: Any, name: str, inputs: list[Any]) -> None:
    client.infer(name, inputs, client_timeout=TIMEOUT_SECONDS)
