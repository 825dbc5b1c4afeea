import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from embedded.readiness import connected, listening


@contextmanager
def holder(*sockets: socket.socket) -> Iterator[int]:
    """The id of a process that has `sockets` and does nothing."""
    with subprocess.Popen(["/bin/sleep", "60"], pass_fds=[one.fileno() for one in sockets]) as process:
        yield process.pid
        process.kill()


def test_a_client_is_ready_when_it_is_connected_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with holder() as nobody:
            assert listening(port)(nobody)
            with socket.create_connection(("127.0.0.1", port)) as connection, holder(connection) as client:
                assert connected(port)(client)
                assert not connected(port)(nobody)
                assert not connected(port + 1)(client)
