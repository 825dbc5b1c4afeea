"""The runtime's Dockerfile agrees with ModelMesh Serving, and with itself."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from components.images import content
from project.model_server import BASE
from tests.runtime.server import RUNTIME, image_environment

PUBLISHER = BASE.parent / "components/stores/publisher"
DOCKERFILE = (BASE / "Dockerfile").read_text()
DOCKERFILES = (BASE / "Dockerfile", PUBLISHER / "Dockerfile")


def test_settings_are_those_that_modelmesh_serving_relies_on() -> None:
    expected = {
        "MLSERVER_MODELS_DIR": "/models/_mlserver_models/",
        "MLSERVER_GRPC_PORT": "8001",
        "MLSERVER_HTTP_PORT": "8002",
        "MLSERVER_LOAD_MODELS_AT_STARTUP": "false",
        "MLSERVER_MODEL_NAME": "dummy-model",
        "PYTHONPATH": "/opt/runtime",
    }
    assert expected.items() <= image_environment().items()


def test_command_names_the_models_directory_itself_since_no_shell_expands_it() -> None:
    (command,) = re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)
    folder = image_environment()["MLSERVER_MODELS_DIR"]
    assert json.loads(command) == ["/opt/venv/bin/python", "-m", "modelmesh_runtime", folder]


def test_image_runs_as_a_user_that_kubernetes_can_tell_from_root() -> None:
    for dockerfile in (DOCKERFILE, (PUBLISHER / "Dockerfile").read_text()):
        assert set(re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE)) == {"1000:1000"}


def test_every_file_of_both_folders_is_in_the_image_and_in_its_last_layer() -> None:
    assert re.search(r"^COPY modelmesh_runtime/ /code/opt/runtime/modelmesh_runtime/$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^COPY runtime/ /code/opt/runtime/$", DOCKERFILE, re.MULTILINE)
    assert DOCKERFILE.strip().splitlines()[-1] == "COPY --from=checked /code/ /"
    assert image_environment()["PYTHONPATH"] == "/opt/runtime"


def test_the_build_context_is_everything_beside_the_class_but_tests_and_models(tmp_path: Path) -> None:
    shutil.copytree(RUNTIME, tmp_path, dirs_exist_ok=True)
    before = content.files(tmp_path).keys()
    for file in ("tests/test_it.py", "model/weights.bin", "words/__init__.py", "words/stop.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert content.files(tmp_path).keys() - before == {"words/__init__.py", "words/stop.txt"}


def test_the_build_context_of_the_base_is_what_the_image_is_made_of_and_no_more() -> None:
    package = {f"modelmesh_runtime/{path.name}" for path in (BASE / "modelmesh_runtime").glob("*.*")}
    recipe = {f"image/{name}.py" for name in ("check", "left_out", "slim_root")}
    assert content.files(BASE).keys() == package | recipe | {"Dockerfile", "pyproject.toml"}


def test_the_image_starts_from_nothing_and_runs_nothing_while_it_is_built() -> None:
    stage = DOCKERFILE.split("\nFROM ")[-1]
    assert stage.startswith("scratch\n")
    assert not re.findall(r"^RUN ", stage, re.MULTILINE)


def install_step(dockerfile: Path) -> tuple[list[str], str]:
    """The mounts and the shell text of the step that runs pip."""
    (step,) = [step for step in re.split(r"^RUN ", dockerfile.read_text(), flags=re.MULTILINE) if "install \\" in step]
    step = re.match(r"(.*\\\n)*.*\n", step)[0].replace("\\\n", "")  # type: ignore[index]
    return re.findall(r"--mount=(\S+)", step), re.sub(r"--mount=\S+\s+", "", step)


@pytest.fixture(params=DOCKERFILES, ids=["server", "publisher"])
def pip(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Runs that step as a builder does, with a pip that says what it was given, and the mounts in a folder."""
    _, shell = install_step(request.param)
    program = tmp_path / "pip"
    program.write_text('#!/bin/sh\necho "$PIP_INDEX_URL" && cat "$PIP_CERT"\n')
    program.chmod(0o755)
    for mount in ("secrets", "trust"):
        (tmp_path / mount).mkdir()
    (tmp_path / "base.pem").write_text("base image's\n")
    for path, moved in {"/opt/pip/bin/pip": program, "/run/": f"{tmp_path}/"}.items():
        assert path in shell
        shell = shell.replace(path, str(moved))

    def run() -> str:
        environ = {"PATH": os.environ["PATH"], "PIP_CERT": f"{tmp_path}/base.pem", "PIP_INDEX_URL": "base image's"}
        return subprocess.run(["sh", "-c", shell], env=environ, check=True, capture_output=True, text=True).stdout

    return run


def test_without_build_secrets_pip_does_what_the_base_image_says(pip: Callable[[], str]) -> None:
    assert pip() == "base image's\nbase image's\n"


def test_pip_asks_the_index_of_the_build_secret(pip: Callable[[], str], tmp_path: Path) -> None:
    (tmp_path / "secrets/pip-index-url").write_text("https://me:hidden@pypi.example/simple\n")
    assert pip() == "https://me:hidden@pypi.example/simple\nbase image's\n"
    assert "hidden" not in "".join(file.read_text() for file in (tmp_path / "trust").iterdir())


def test_pip_trusts_the_proxy_of_the_build_secret_besides(pip: Callable[[], str], tmp_path: Path) -> None:
    (tmp_path / "secrets/proxy-ca").write_text("proxy's\n")
    assert pip() == "base image's\nbase image's\nproxy's\n"


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=["server", "publisher"])
def test_build_secrets_are_written_only_where_no_layer_keeps_them(dockerfile: Path) -> None:
    mounts, shell = install_step(dockerfile)
    assert {"type=tmpfs,target=/run/trust", "type=secret,id=pip-index-url", "type=secret,id=proxy-ca"} < set(mounts)
    assert re.findall(r"> *(\S+)", shell) == ["/run/trust/ca.pem"]


def test_both_images_install_by_the_same_step() -> None:
    one, other = map(install_step, DOCKERFILES)
    assert one == other
