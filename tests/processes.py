"""Real programs for the tests, each on free ports of the loopback interface and stopped by its own process id."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

BIN = Path(os.environ.get("MODELMESH_TOOLCHAIN_BIN") or Path.home() / ".cache/modelmesh-stack/toolchain/current/bin")


@dataclass(frozen=True)
class Program:
    process: subprocess.Popen[bytes]
    endpoint: str
    log: Path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def http_status(url: str) -> int:
    """Status of a GET; 0 if nobody answers."""
    try:
        with urlopen(url, timeout=2) as response:  # noqa: S310  (a URL of the test's own)
            return int(response.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def running(
    name: str,
    command: Sequence[str | Path],
    ready: Callable[[], bool],
    *,
    folder: Path,
    endpoint: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = 60,
) -> Iterator[Program]:
    """A program from when it is ready until the block ends; its output is shown if it does not get there."""
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env, cwd=cwd)
    try:
        deadline = time.monotonic() + seconds
        while not ready():
            up_to_now = process.poll() is None and time.monotonic() < deadline
            assert up_to_now, f"{name} is not up:\n{log.read_text()}"
            time.sleep(0.1)
        yield Program(process, endpoint, log)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
