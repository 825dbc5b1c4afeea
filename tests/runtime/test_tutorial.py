"""The ways of MLServer's own tutorial work on the example's folder: `mlserver start`, and what `mlserver build` does.

There is no Docker engine here, so the image's layout is made by its own Dockerfile's rules, and started.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from project.environments import venv_for
from project.model_server import PORTS, free_ports
from tests.cluster.checkout import copied
from tests.processes import http_status, running
from tests.runtime.server import RUNTIME

REQUEST = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": ["I love it!", "I hate it!"]}]}


def program(name: str) -> str:
    """One of the runtime's environment."""
    return str(venv_for(RUNTIME / "requirements.txt") / "bin" / name)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean one."""
    return copied(tmp_path / "checkout")


@contextmanager
def started(folder: str, cwd: Path, modules: str = "") -> Iterator[str]:
    """`mlserver start` on a folder, with no setting but free ports of this machine alone; its URL.

    `modules` is where modelmesh_runtime is, if it is neither installed nor in the folder.
    """
    ports = free_ports(len(PORTS))
    url = f"http://127.0.0.1:{ports[0]}"
    environment = {
        "PATH": os.environ["PATH"],
        "MLSERVER_HOST": "127.0.0.1",
        "PYTHONPATH": modules,
        **dict(zip(PORTS, map(str, ports), strict=True)),
    }
    with running(
        "mlserver",
        [program("mlserver"), "start", folder],
        lambda: http_status(f"{url}/v2/models/sentiment/ready") == 200,
        folder=cwd.parent,
        endpoint=url,
        env=environment,
        cwd=cwd,
    ):
        yield url


def labels(url: str) -> list[str]:
    """What the example's model says of a good and a bad text."""
    request = Request(  # noqa: S310  a URL of the test's own
        f"{url}/v2/models/sentiment/infer", json.dumps(REQUEST).encode(), {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=30) as response:  # noqa: S310
        outputs = json.load(response)["outputs"]
    return next(list(output["data"]) for output in outputs if output["name"] == "label")


def make_model(checkout: Path) -> None:
    subprocess.run([sys.executable, "-m", "models"], cwd=checkout, check=True, capture_output=True)


def test_mlserver_starts_the_folder_as_it_is(checkout: Path) -> None:
    make_model(checkout)
    before = sorted((checkout / "runtimes/sentiment").rglob("*.json"))
    with started("runtimes/sentiment/", checkout, str(checkout / "runtime_src")) as url:
        assert labels(url) == ["positive", "negative"]
    assert sorted((checkout / "runtimes/sentiment").rglob("*.json")) == before


def test_what_mlserver_builds_an_image_of_serves_as_well(checkout: Path) -> None:
    make_model(checkout)
    dockerfiles = checkout.parent / "dockerfiles"
    dockerfiles.mkdir()
    command = [program("mlserver"), "dockerfile", "--include-dockerignore", str(dockerfiles)]
    subprocess.run(command, check=True, capture_output=True)
    dockerfile = (dockerfiles / "Dockerfile").read_text()
    # The image has the requirements and both settings files before all else, and then the whole folder.
    first = re.findall(r"^    \./([\w.-]+)\[\w\] \\$", dockerfile, re.MULTILINE)
    assert first[-3:] == ["settings.jso", "model-settings.jso", "requirements.tx"]
    assert "\nCOPY . .\n" in dockerfile
    image = checkout.parent / "image/opt/mlserver"
    source = checkout / "runtimes/sentiment"
    shutil.copytree(checkout / "runtime_src/modelmesh_runtime", source / "modelmesh_runtime")
    shutil.copytree(source, image, ignore=ignoring((dockerfiles / "Dockerfile.dockerignore").read_text(), source))
    assert {path.name for path in image.iterdir()} >= {"settings.json", "model-settings.json", "requirements.txt"}
    # Models come to a container from outside; the settings name the place relative to themselves.
    shutil.copytree(checkout / ".build", image.parents[1] / ".build")
    with started(".", image) as url:
        assert labels(url) == ["positive", "negative"]


def test_the_requirements_are_installed_by_pip_alone() -> None:
    """As the builder's script has it, without a flag; all is there, so nothing is fetched."""
    pip = [program("pip"), "--disable-pip-version-check", "install", "--dry-run", "--no-index"]
    installed = subprocess.run([*pip, "-r", "requirements.txt"], cwd=RUNTIME, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    assert "Would install" not in installed.stdout


def test_its_settings_of_the_server_are_not_in_our_image() -> None:
    allowed = (RUNTIME / ".dockerignore").read_text().splitlines()
    patterns = [line.removeprefix("!") for line in allowed if line.startswith("!")]
    assert (RUNTIME / "settings.json").is_file()
    assert not any(fnmatch.fnmatch("settings.json", pattern) for pattern in patterns)


def ignoring(dockerignore: str, root: Path) -> Callable[[str, list[str]], list[str]]:
    """What a build context leaves out: a pattern is of a path from its root, `**/` of any depth."""
    patterns = [line.removeprefix("./").rstrip("/") for line in dockerignore.splitlines() if line and line[0] != "#"]

    def ignored(folder: str, names: list[str]) -> list[str]:
        place = Path(folder).relative_to(root)
        return [
            name
            for name in names
            for path in [(place / name).as_posix()]
            if any(
                fnmatch.fnmatch(name if pattern.startswith("**/") else path, pattern.removeprefix("**/"))
                for pattern in patterns
            )
        ]

    return ignored
