"""Readiness checks that observe a process from outside, without entering its namespaces."""

import socket
from collections.abc import Callable
from pathlib import Path


def listening(port: int) -> Callable[[int], bool]:
    """Readiness check: a TCP socket listens on `port` in the process's network namespace."""

    def check(pid: int) -> bool:
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                _, local, _, state, *_ = line.split()
                if state == "0A" and int(local.rsplit(":", 1)[1], 16) == port:
                    return True
        return False

    return check


def connected(port: int) -> Callable[[int], bool]:
    """Readiness check of a client: the process has a TCP connection to `port` of a server."""

    def check(pid: int) -> bool:
        own = {str(descriptor.readlink()) for descriptor in Path(f"/proc/{pid}/fd").iterdir()}
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                _, _, remote, state, *_, inode = line.split()[:10]
                if state == "01" and int(remote.rsplit(":", 1)[1], 16) == port and f"socket:[{inode}]" in own:
                    return True
        return False

    return check


def accepting(socket_path: Path) -> Callable[[int], bool]:
    """Readiness check: the unix socket `socket_path` accepts connections."""

    def check(_: int) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(socket_path))
        return True

    return check
