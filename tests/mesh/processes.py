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

ETCDCTL = {"PATH": os.environ["PATH"], "ETCDCTL_API": "3"}
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


def start_etcd(
    folder: Path, port: int | None = None, tls: tuple[Path, Path] | None = None
) -> contextlib.AbstractContextManager[Program]:
    """Debian's etcd, with a data folder of its own; with TLS where certificate and key are given."""
    port, peer = port or free_port(), free_port()
    scheme = "https" if tls else "http"
    files: list[str | Path] = ["--cert-file", tls[0], "--key-file", tls[1]] if tls else []
    trust: list[str | Path] = ["--cacert", tls[0]] if tls else []
    client_url, peer_url = f"{scheme}://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    command: list[str | Path] = [
        "etcd", *files, "--data-dir", folder / "data", "--unsafe-no-fsync",
        "--listen-client-urls", client_url, "--advertise-client-urls", client_url,
        "--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url,
        "--initial-cluster", f"default={peer_url}",
    ]  # fmt: skip
    health: list[str | Path] = ["etcdctl", f"--endpoints={client_url}", *trust, "endpoint", "health"]

    def healthy() -> bool:
        return subprocess.run(health, capture_output=True, env=ETCDCTL).returncode == 0

    return running("etcd", command, healthy, folder=folder, endpoint=client_url)
