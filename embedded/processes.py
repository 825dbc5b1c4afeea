"""The node's long-running processes: started detached, recorded, recognised later, and stopped.

A record identifies a process by its id, its kernel start time and the machine's boot id, so that a reused process id
is never mistaken for the recorded process. The `key` of a process covers everything it was started from: when a
program, an argument or a configuration file changes, the running process is outdated and is replaced.
"""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from embedded import files
from embedded.errors import EmbeddedError

_ROTATE_BYTES = 20_000_000
# Joins the control groups before the program starts, so that every descendant is a member too.
_ENTER = 'for group in $GROUPS_TO_JOIN; do echo $$ > "$group/cgroup.procs"; done; unset GROUPS_TO_JOIN; exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process to run."""

    name: str
    """Unique name in the instance, used for its record and its log."""
    argv: tuple[str, ...]
    """Program (an absolute path) and its arguments."""
    ready: Callable[[int], bool]
    """Readiness check, called with the process id."""
    inputs: tuple[Path, ...] = ()
    """Files that the process reads at start; it is replaced when one changes."""
    enter: tuple[str, ...] = ()
    """Command prefix that enters namespaces."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Environment of the process except for PATH."""
    timeout: float = 60
    """Seconds within which the process has to be ready."""

    @property
    def key(self) -> str:
        """Digest of everything that the process is started from."""
        parts = [*self.enter, *self.argv, json.dumps(dict(self.environ), sort_keys=True)]
        for path in (Path(self.argv[0]), *self.inputs):
            stat = path.stat()
            parts.append(f"{path} {stat.st_size} {stat.st_mtime_ns}")
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A started process: `started` in clock ticks since boot, `since` in seconds since the epoch."""

    name: str
    pid: int
    started: int
    boot: str
    key: str
    since: float
    log: str

    def alive(self) -> bool:
        """Whether this very process is still running (a zombie is not)."""
        return self.boot == boot_id() and start_time(self.pid) == self.started


def boot_id() -> str:
    """The kernel's identifier of the current boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """Start time of process `pid` in clock ticks since boot; None if it has exited or is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses and may itself contain spaces and parentheses.
    state, *rest = stat[stat.rindex(")") + 2 :].split()
    return None if state in "ZX" else int(rest[18])


class Processes:
    """Starts and stops the processes of one instance; keeps records in `folder` and logs in `logs`."""

    def __init__(self, folder: Path, logs: Path, groups: Iterable[Path] = ()) -> None:
        self._folder = folder
        self._logs = logs
        self._groups = " ".join(map(str, groups))
        self._children: list[subprocess.Popen[bytes]] = []

    def running(self, name: str) -> Record | None:
        """Record of `name` if that process is alive."""
        try:
            record = Record(**json.loads((self._folder / f"{name}.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):  # a crash may truncate it; the control group has the process
            return None
        return record if record.alive() else None

    def start(self, process: Process) -> Record:
        """Run `process` with its current inputs; returns without waiting until it is ready."""
        key = process.key
        record = self.running(process.name)
        if record and record.key == key:
            return record
        self.stop([process.name])
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = self._logs / f"{process.name}.log"
        if log.exists() and log.stat().st_size > _ROTATE_BYTES:
            log.replace(log.with_suffix(".log.1"))
        environ = {"PATH": os.environ.get("PATH", os.defpath), "GROUPS_TO_JOIN": self._groups, **process.environ}
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            child = subprocess.Popen(
                ["/bin/sh", "-ec", _ENTER, "sh", *process.enter, *process.argv],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", env=environ,
                start_new_session=True,
            )  # fmt: skip
        self._children.append(child)
        started = start_time(child.pid) or 0
        record = Record(name=process.name, pid=child.pid, started=started, boot=boot_id(), key=key,
                        since=time.time(), log=str(log))  # fmt: skip
        files.write(self._folder / f"{process.name}.json", json.dumps(asdict(record)))
        return record

    def wait(self, process: Process, record: Record) -> None:
        """Wait until the started `process` is ready; an error includes the end of its log."""
        deadline = time.monotonic() + process.timeout
        while True:
            if not record.alive():
                raise EmbeddedError(f"{process.name} exited during its start; {self._evidence(record)}")
            with contextlib.suppress(OSError):
                if process.ready(record.pid):
                    return
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{process.name} runs (pid {record.pid}) but was not ready within {process.timeout:.0f} s; "
                    + self._evidence(record)
                )
            time.sleep(0.05)

    def run(self, process: Process) -> Record:
        """Start `process` and wait until it is ready."""
        record = self.start(process)
        self.wait(process, record)
        return record

    def stop(self, names: Iterable[str], grace: float = 5.0) -> None:
        """Stop the named processes together: SIGTERM, up to `grace` seconds, SIGKILL. Deletes their records."""
        alive = [record for name in names if (record := self.running(name))]
        for number, limit in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
            for record in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(record.pid, number)
            deadline = time.monotonic() + limit
            while (alive := [r for r in alive if r.alive()]) and time.monotonic() < deadline:
                time.sleep(0.02)
        for name in names:
            (self._folder / f"{name}.json").unlink(missing_ok=True)

    def _evidence(self, record: Record) -> str:
        return f"its log {record.log} ends with:\n{files.tail(Path(record.log))}"
