"""What is asked of a Docker engine before anything is built, of a server on a socket that says it is one."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from components.images import docker_engine

Engine = Callable[[Path, str], None]
"""Starts an engine of a version on a socket."""


@contextmanager
def answering(place: Path, version: str) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"Version": version, "Os": "linux"}).encode()
            self.send_response(200 if self.path == "/version" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    place.parent.mkdir(parents=True, exist_ok=True)
    server = socketserver.ThreadingUnixStreamServer(str(place), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    with ExitStack() as stack:
        yield lambda place, version: stack.enter_context(answering(place, version))


@pytest.mark.parametrize("version", ["24.0.0", "28.5.2", "29"])
def test_a_recent_engine_that_answers_can_build(engine: Engine, version: str, tmp_path: Path) -> None:
    engine(tmp_path / "s", version)
    assert docker_engine.problem({"DOCKER_HOST": f"unix://{tmp_path}/s"}) is None


@pytest.mark.parametrize("version", ["20.10.24+dfsg1", "23.0.6"])
def test_an_engine_whose_builds_do_not_repeat_cannot(engine: Engine, version: str, tmp_path: Path) -> None:
    engine(tmp_path / "s", version)
    found = docker_engine.problem({"DOCKER_HOST": f"unix://{tmp_path}/s"})
    assert found == f"Docker Engine 24 or newer, since {version} builds another digest each time"


def test_a_server_that_is_no_engine_is_named_with_the_reason(engine: Engine, tmp_path: Path) -> None:
    engine(tmp_path / "s", "unknown")
    found = docker_engine.problem({"DOCKER_HOST": f"unix://{tmp_path}/s"})
    assert found is not None
    assert found.startswith(f"a Docker engine that answers ({tmp_path}/s: invalid literal for int() with base 10: ")


@pytest.mark.skipif(Path("/var/run/docker.sock").exists(), reason="This machine has a Docker engine.")
def test_without_an_engine_each_place_is_named(tmp_path: Path) -> None:
    found = docker_engine.problem({"HOME": str(tmp_path)})
    missing = "; ".join(
        f"{place}: No such file or directory"
        for place in (
            "/var/run/docker.sock",
            tmp_path / ".docker/run/docker.sock",
            tmp_path / ".docker/desktop/docker.sock",
        )
    )
    assert found == f"a Docker engine that answers ({missing}); start it, or set DOCKER_HOST"


def test_docker_desktop_is_found_in_the_user_s_home(engine: Engine, tmp_path: Path) -> None:
    engine(tmp_path / ".docker/desktop/docker.sock", "28.5.2")
    assert docker_engine.problem({"HOME": str(tmp_path)}) is None


def test_an_engine_that_does_not_answer_is_named_with_what_to_do(tmp_path: Path) -> None:
    found = docker_engine.problem({"DOCKER_HOST": f"unix://{tmp_path}/s"})
    assert found == (
        f"a Docker engine that answers ({tmp_path}/s: No such file or directory); start it, or set DOCKER_HOST"
    )


@pytest.mark.parametrize(
    "environ", [{"DOCKER_HOST": "ssh://me@host"}, {"DOCKER_HOST": "tcp://host:2376"}, {"DOCKER_CONTEXT": "other"}]
)
def test_an_engine_elsewhere_is_left_to_the_provider(environ: dict[str, str]) -> None:
    assert docker_engine.problem(environ) is None
