"""Order of measurements: servers take turns, so that other load on the machine affects them alike."""

import json
import os
import signal
import struct
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.errors import BenchmarkError
from benchmarks.load import Generator, Measured
from benchmarks.measurements import Cell, Footprint, Throughput
from benchmarks.servers import Environment, Program, Server
from benchmarks.texts import EXAMPLE, TEXTS, small_model

LIBRARY = Path(__file__).parent / "limits/library.py"
_WARM_UP_SECONDS = 0.5
_SETTLING_SECONDS = 0.5
_LOADING_SECONDS = 30
"""Time limit for loading many models; the number that a server has loaded by then is part of the result."""
_started = time.monotonic()


@dataclass(frozen=True)
class Contender:
    """A server with the loaded example model, and its requests by number of texts."""

    server: Server
    requests: Mapping[int, Path]


def say(text: str) -> None:
    """Print a line with the seconds since the start."""
    print(f"[{time.monotonic() - _started:4.0f} s] {text}", flush=True)


def begin() -> None:
    """Let signals end the run by an exception, which stops what was started, and warn if the machine is busy."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, _end)
    if (busy := os.getloadavg()[0]) > 1:
        # On a busy machine, servers with two processes get a larger share of CPU time.
        say(f"! the machine is busy (load {busy:.1f}): wait until it is quiet for meaningful numbers")


def _end(number: int, _frame: object) -> NoReturn:
    raise SystemExit(f"✗ ended by {signal.Signals(number).name}")


def requests(environment: Environment, numbers: Iterable[int], *, raw: bool = False) -> dict[int, Path]:
    """Write one request for each number of texts, with raw or typed contents."""
    found = {}
    for number in numbers:
        texts = [text.encode() for text in TEXTS[:number]]
        tensor: dict[str, Any] = {"name": "text", "datatype": "BYTES", "shape": [number]}
        fields: dict[str, Any] = {"model_name": EXAMPLE, "inputs": [tensor]}
        if raw:
            # The length of each element precedes it, in four bytes.
            fields["raw_input_contents"] = [b"".join(len(text).to_bytes(4, "little") + text for text in texts)]
        else:
            tensor["contents"] = {"bytes_contents": texts}
        found[number] = environment.scratch / f"{'raw' if raw else 'typed'}-{number}.bin"
        found[number].write_bytes(environment.messages("ModelInferRequest", **fields).SerializeToString())
    return found


def compare_answers(environment: Environment, contenders: Mapping[str, Contender], number: int) -> None:
    """Ask every server for the scores of this number of texts, which must not differ."""
    request = environment.messages.of("ModelInferRequest")
    answers = {
        name: values(each.server.client.send("ModelInfer", request.FromString(each.requests[number].read_bytes())))
        for name, each in contenders.items()
    }
    first, *others = answers
    for name in others:
        if answers[name] != answers[first]:
            raise BenchmarkError(f"{name} answers {answers[name]}, but {first} answers {answers[first]}")


def alternate(
    generator: Generator, contenders: Mapping[str, Contender], cells: Sequence[Cell], *, rounds: int, seconds: float
) -> Iterator[tuple[Cell, Throughput]]:
    """Measure each load on each server in turn, in several rounds; yields the results so far after each load."""
    for name, contender in contenders.items():
        say(f"warming up: {name}")
        for request in contender.requests.values():
            generator.measure(contender.server.address, request, clients=8, seconds=_WARM_UP_SECONDS)
    throughput, names = Throughput(), list(contenders)
    for number in range(rounds):
        # Each round starts with another server.
        order = names[number % len(names) :] + names[: number % len(names)]
        for cell in cells:
            measured = {name: _measure(generator, contenders[name], cell, seconds) for name in order}
            throughput.rounds.setdefault(cell, []).append(measured)
            rates = ", ".join(f"{name} {measured[name].requests_per_second:,.0f}" for name in names)
            say(f"round {number + 1} of {rounds}, {cell.clients} clients, N = {cell.texts}: {rates} requests/s")
            yield cell, throughput


def _measure(generator: Generator, contender: Contender, cell: Cell, seconds: float) -> Measured:
    server, before = contender.server, contender.server.cpu_seconds()
    request = contender.requests[cell.texts]
    measured = generator.measure(server.address, request, clients=cell.clients, seconds=seconds)
    return replace(measured, per_cpu_second=measured.requests / max(server.cpu_seconds() - before, 0.01))


def library(environment: Environment, model: Path, seconds: float) -> float:
    """Texts per second of the library alone, in a process of the servers' environment."""
    texts = environment.scratch / "texts.json"
    texts.write_text(json.dumps(TEXTS))
    finished = subprocess.run(
        [environment.venv / "bin/python", LIBRARY, model, texts, str(seconds)],
        check=True, stdout=subprocess.PIPE, text=True, timeout=seconds + 60,
    )  # fmt: skip
    say(f"the library in a loop: {float(finished.stdout):,.0f} texts/s")
    return float(finished.stdout)


def footprints(
    environment: Environment, programs: Mapping[str, Program], *, starts: int, models: Sequence[int]
) -> dict[str, Footprint]:
    """Start each server several times in turn, and load small models into its last process."""
    found = {name: Footprint() for name in programs}
    small = [small_model(environment.scratch, number) for number in range(max(models))]
    for number in range(starts):
        for name, program in programs.items():
            with Server(environment, program, name) as server:
                ready = server.wait_until_ready()
                time.sleep(_SETTLING_SECONDS)
                memory = server.memory()
                found[name].ready_seconds.append(ready)
                found[name].memory.setdefault(0, []).append(memory)
                say(
                    f"start {number + 1} of {starts}: {name} is ready after {ready:.2f} s with {memory / 2**20:.0f} MiB"
                )
                if number == starts - 1:
                    _load_many(server, found[name], small, models)
                    say(f"{name} has loaded {max(found[name].load_seconds, default=0):,} models of 100 words")
    return found


def _load_many(server: Server, footprint: Footprint, small: Sequence[Path], milestones: Sequence[int]) -> None:
    seconds = 0.0
    for number, directory in enumerate(small, start=1):
        seconds += server.load_timed(directory.name, directory)
        if number in milestones:
            footprint.memory[number] = [server.memory()]
            footprint.load_seconds[number] = seconds / number
        if seconds > _LOADING_SECONDS:
            return


def values(answer: Any) -> dict[str, list[Any]]:
    """Elements of every output of a ModelInferResponse, typed or raw."""
    found = {
        output.name: [*output.contents.fp32_contents, *output.contents.bytes_contents] for output in answer.outputs
    }
    for output, packed in zip(answer.outputs, answer.raw_output_contents, strict=False):
        found[output.name] = [each for (each,) in struct.iter_unpack("<f", packed)] if output.datatype == "FP32" else []
        at = 0
        while output.datatype == "BYTES" and at < len(packed):
            start = at + 4
            at = start + int.from_bytes(packed[at:start], "little")
            found[output.name].append(packed[start:at])
    return found
