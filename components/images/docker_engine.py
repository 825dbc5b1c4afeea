"""The Docker engine that pulumi-docker builds with: whether it answers, and is recent enough."""

import http.client
import json
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

OLDEST = 24
"""First major version that reads SOURCE_DATE_EPOCH; in an older one, each build without a cache has another digest."""
_SECONDS = 5


def problem(environ: Mapping[str, str] = os.environ) -> str | None:
    """Reason for which no image can be built, including how to go on; None without one.

    pulumi-docker needs the engine in previews, too. An engine that is reached over a network is not asked.
    """
    host, user = environ.get("DOCKER_HOST", ""), Path(environ.get("HOME") or Path.home())
    if environ.get("DOCKER_CONTEXT") or (host and not host.startswith("unix://")):
        return None
    given = [Path(host.removeprefix("unix://"))] if host else []
    # The sockets that pulumi-docker tries, in its order.
    usual = [Path("/var/run/docker.sock"), user / ".docker/run/docker.sock", user / ".docker/desktop/docker.sock"]
    failures = []
    for place in given or usual:
        try:
            version = _version(place)
            old = int(version.partition(".")[0]) < OLDEST
        except (OSError, http.client.HTTPException, ValueError, LookupError) as error:
            failures.append(f"{place}: {getattr(error, 'strerror', None) or error}")
            continue
        return f"Docker Engine {OLDEST} or newer, since {version} builds another digest each time" if old else None
    return f"a Docker engine that answers ({'; '.join(failures)}); start it, or set DOCKER_HOST"


class _Connection(http.client.HTTPConnection):
    """Connection to a server on a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(str(self._path))


def _version(place: Path) -> str:
    with closing(_Connection(place)) as connection:
        connection.request("GET", "/version")
        return str(json.loads(connection.getresponse().read())["Version"])
