"""One run of Pulumi's engine: how long it took, what it and its plugins held at most, and when it did what."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from cli.stack import Stack

_SAMPLING_SECONDS = 0.1
_ENDING_SECONDS = 60
"""For an engine that was interrupted to finish what it has begun."""
_KINDS = {"resourcePreEvent": "start", "resOutputsEvent": "end", "resOpFailedEvent": "failed"}


@dataclass(frozen=True)
class Event:
    """Something that the engine said about one resource, seconds after its own start."""

    seconds: float
    kind: str
    urn: str
    operation: str


@dataclass(frozen=True)
class EngineRun:
    """What came of it; `memory` is the most that all its processes held together, in bytes."""

    seconds: float
    memory: int
    events: tuple[Event, ...]


def run(stack: Stack, *arguments: str, limit: float) -> EngineRun:
    """Run the engine in a session of its own, by which its plugins are found.

    Raises:
        BenchmarkError: it failed, or took longer than `limit` seconds; it has ended then, too.
    """
    started = time.monotonic()
    process = stack.started(
        *arguments, "--non-interactive", "--json",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    assert process.stdout
    peak, over, late = 0, threading.Event(), threading.Event()

    def sample() -> None:
        nonlocal peak
        while not over.wait(_SAMPLING_SECONDS):
            peak = max(peak, session_memory(process.pid))
            if time.monotonic() - started > limit and not late.is_set():
                late.set()
                process.send_signal(signal.SIGINT)
            if time.monotonic() - started > limit + _ENDING_SECONDS:
                process.kill()

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        lines = [(time.monotonic() - started, line) for line in process.stdout]
        process.wait()
    finally:
        over.set()
        sampler.join()
    seconds = time.monotonic() - started
    if late.is_set():
        raise BenchmarkError(f"{arguments[0]} took longer than {limit:.0f} s")
    if process.returncode:
        raise BenchmarkError(f"{arguments[0]} failed:\n" + "\n".join(problems(line for _, line in lines)))
    return EngineRun(seconds, peak, tuple(events(lines)))


def events(lines: list[tuple[float, str]]) -> Iterator[Event]:
    """The events about resources in the engine's output, each line with the second at which it came."""
    for seconds, line in lines:
        told = _parsed(line)
        for name, kind in _KINDS.items():
            if metadata := told.get(name, {}).get("metadata"):
                yield Event(seconds, kind, metadata["urn"], metadata["op"])


def problems(lines: Iterator[str]) -> Iterator[str]:
    """What the engine complained of; all that is no event, too, because an engine that could not start says it so."""
    for line in lines:
        told = _parsed(line)
        diagnostic = told.get("diagnosticEvent", {})
        if diagnostic.get("severity") == "error":
            yield diagnostic["message"].strip()
        elif not told:
            yield line.strip()


def session_memory(session: int) -> int:
    """Resident bytes of all processes of a session; pages that they share count for each."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name of the program, in parentheses, may have spaces in it.
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session:
            total += int(fields[21]) * 4096
    return total


def state_file(stack: Stack) -> Path:
    """Where the file backend of an embedded node keeps the stack."""
    assert stack.embedded, "the benchmark has a node of its own"
    (file,) = (stack.embedded.data / "pulumi").rglob(f"stacks/*/{stack.name}.json")
    return file


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
