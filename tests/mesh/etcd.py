"""Debian's etcd, as a program of the tests."""

import os
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

from tests.processes import Program, free_port, running

ETCDCTL = {"PATH": os.environ["PATH"], "ETCDCTL_API": "3"}


def start_etcd(
    folder: Path, port: int | None = None, tls: dict[str, Path] | None = None, *, ask_clients: bool = False
) -> AbstractContextManager[Program]:
    """An etcd with a data folder of its own; with TLS where the files of a TLS Secret are given.

    With `ask_clients` only clients with a certificate of the same authority are served.
    """
    port, peer = port or free_port(), free_port()
    scheme = "https" if tls else "http"
    files: list[str | Path] = ["--cert-file", tls["tls.crt"], "--key-file", tls["tls.key"]] if tls else []
    trust: list[str | Path] = ["--cacert", tls["ca.crt"]] if tls else []
    if tls and ask_clients:
        files += ["--client-cert-auth", "--trusted-ca-file", tls["ca.crt"]]
        trust += ["--cert", tls["tls.crt"], "--key", tls["tls.key"]]
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
