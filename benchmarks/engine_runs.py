"""One run of Pulumi's engine: its duration, the peak memory of it and its plugins, and its resource events."""

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
"""Seconds that an interrupted engine gets to finish the operations in progress."""
_KINDS = {"resourcePreEvent": "start", "resOutputsEvent": "end", "resOpFailedEvent": "failed"}


@dataclass(frozen=True)
class Event:
    """An event of the engine about one resource, in seconds after the engine's start."""

    seconds: float
    kind: str
    urn: str


@dataclass(frozen=True)
class EngineRun:
    """Result of one run; `memory` is the peak of all its processes together, in bytes."""

    seconds: float
    memory: int
    events: tuple[Event, ...]


def run(stack: Stack, *arguments: str, limit: float) -> EngineRun:
    """Run the engine in a separate session, by which its plugins are found.

    A run that takes longer than `limit` seconds fails, after the engine has ended.
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
    """Resource events in the engine's output, whose lines come with their seconds."""
    for seconds, line in lines:
        entry = _parsed(line)
        for name, kind in _KINDS.items():
            if metadata := entry.get(name, {}).get("metadata"):
                yield Event(seconds, kind, metadata["urn"])


def problems(lines: Iterator[str]) -> Iterator[str]:
    """Errors in the engine's output, including lines that are not events, which an engine prints if it cannot start."""
    for line in lines:
        entry = _parsed(line)
        diagnostic = entry.get("diagnosticEvent", {})
        if diagnostic.get("severity") == "error":
            yield diagnostic["message"].strip()
        elif not entry:
            yield line.strip()


def session_memory(session: int) -> int:
    """Resident bytes of all processes of a session; shared pages count for each process."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The program's name is in parentheses and may contain spaces.
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session:
            total += int(fields[21]) * 4096
    return total


def state_file(stack: Stack) -> Path:
    """State file of the stack in the file backend of an embedded node."""
    assert stack.embedded, "the benchmark has a separate node"
    (file,) = (stack.embedded.data / "pulumi").rglob(f"stacks/*/{stack.name}.json")
    return file


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
