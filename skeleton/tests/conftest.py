"""The model server of this runtime, started as in its image, on free ports."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from project.environments import venv_for
from project.model_server import ModelServer

RUNTIME = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """Running server without any model; it also has to stop cleanly."""
    venv = venv_for(RUNTIME / "requirements.txt")
    server = ModelServer(venv, RUNTIME, tmp_path_factory.mktemp("server"), os.environ)
    try:
        server.wait_until_live()
        yield server
    finally:
        code = server.stop()
    assert code == 0
