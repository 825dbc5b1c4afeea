"""One server for the whole run, with the example model loaded; tests that change things load models of their own."""

import re
from collections.abc import Iterator

import pytest

from models.sentiment import make
from project.environments import venv_for
from tests.runtime.server import RUNTIME, RuntimeServer
from tests.runtime.v2_client import V2Client

EXAMPLE = "sentiment-analyzer__isvc-0123456789"


@pytest.fixture(scope="session")
def example_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The example model's files by name."""
    return {path.name: path.read_bytes() for path in make(tmp_path_factory.mktemp("example") / "sentiment")}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, example_files: dict[str, bytes]) -> Iterator[RuntimeServer]:
    """A live server; that it ends cleanly when told to is checked at the end."""
    before = sorted(RUNTIME.glob("*"))
    server = RuntimeServer(venv_for(RUNTIME / "requirements.txt"), tmp_path_factory.mktemp("server"))
    try:
        server.wait_until_live()
        server.lay_out(EXAMPLE, example_files)
        server.load(EXAMPLE)
        yield server
    finally:
        code = server.stop()
    assert code == 0, server.log.read_text()
    assert sorted(RUNTIME.glob("*")) == before, "the server wrote into its code"


@pytest.fixture(scope="session")
def client(server: RuntimeServer) -> V2Client:
    """A client of the server."""
    return server.client


@pytest.fixture
def model(request: pytest.FixtureRequest) -> str:
    """A model id of the test's own, in the form that ModelMesh Serving gives them."""
    return f"{re.sub('[^a-z0-9]+', '-', request.node.name.lower())}__isvc-0123456789"
