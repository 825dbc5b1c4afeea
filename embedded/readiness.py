"""Readiness checks that observe a process from outside, without entering its namespaces."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path


def listening(port: int) -> Callable[[int], bool]:
    """Readiness check: a TCP socket listens on `port` in the process's network namespace."""
    return lambda pid: any(state == "0A" and local == port for local, _, state, _ in _sockets(pid))


def connected(port: int) -> Callable[[int], bool]:
    """Readiness check of a client: the process has a TCP connection to `port` of a server."""

    def check(pid: int) -> bool:
        own = {str(descriptor.readlink()) for descriptor in Path(f"/proc/{pid}/fd").iterdir()}
        return any(
            state == "01" and remote == port and f"socket:[{inode}]" in own for _, remote, state, inode in _sockets(pid)
        )

    return check


def accepting(socket_path: Path) -> Callable[[int], bool]:
    """Readiness check: the unix socket `socket_path` accepts connections."""

    def check(_: int) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(socket_path))
        return True

    return check


def _sockets(pid: int) -> Iterator[tuple[int, int, str, str]]:
    """Local port, remote port, state and inode of every TCP socket in the process's network namespace."""
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, remote, state, *_, inode = line.split()[:10]
            yield int(local.rpartition(":")[2], 16), int(remote.rpartition(":")[2], 16), state, inode
