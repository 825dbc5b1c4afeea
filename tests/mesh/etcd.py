"""Debian's etcd, as a program of the tests."""

import os
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

from tests.processes import Program, free_port, running

ETCDCTL = {"PATH": os.environ["PATH"], "ETCDCTL_API": "3"}


def start_etcd(
    folder: Path, port: int | None = None, tls: tuple[Path, Path] | None = None
) -> AbstractContextManager[Program]:
    """An etcd with a data folder of its own; with TLS where certificate and key are given."""
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
