"""A folder to run the program in, and the configuration of stack `dev` as an embedded cluster completes it."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.stack.engine import stack_config


@pytest.fixture(scope="session")
def config() -> dict[str, str]:
    return stack_config("dev") | {
        "modelmesh:kubeconfig": "/nowhere/kubeconfig",
        "modelmesh:context": "modelmesh-dev",
        "modelmesh:registry": "registry.example:5000",
        "modelmesh:registryInsecure": "true",
        "modelmesh:builder": "embedded-dev",
        "modelmesh:buildArgs": json.dumps({"BASE_IMAGE": f"registry.example:5000/debian-python@sha256:{'b' * 64}"}),
        "modelmesh:restProxy": "false",
        "modelmesh:images": json.dumps({"minio": f"registry.example:5000/minio@sha256:{'c' * 64}"}),
    }


@pytest.fixture
def docker_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Docker engine that answers and is recent enough."""
    monkeypatch.setattr("components.images.docker_engine.problem", lambda: None)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working directory: the program's folders with hardly anything in them, which it finds relative to itself."""
    tmp_path = tmp_path_factory.mktemp("workplace")
    for path, text in {
        "runtime_src/.dockerignore": "*\n!Dockerfile\n!*.py\n",
        "runtime_src/Dockerfile": "FROM scratch\n",
        "runtime_src/server.py": "print('hello')\n",
        "runtime_src/notes.txt": "not part of the image\n",
        "runtimes/sentiment/model.py": "print('hello')\n",
        "publisher/Dockerfile": "FROM scratch\n",
        ".build/models/sentiment/vader_lexicon.txt": "good\t1.9\n",
    }.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    with contextlib.chdir(tmp_path):
        yield tmp_path
