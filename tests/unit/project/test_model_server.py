"""What a model server's process is started with: the image's command and settings, on this machine's folders."""

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from project.model_server import BASE, PORTS, ModelServer, ModelServerError, image_of

DOCKERFILE = """\
FROM base AS build
ENV MLSERVER_DEBUG=of-the-build
CMD ["sh"]
FROM base
ENV PATH=/opt/venv/bin:$PATH \\
    # said between
    PYTHONPATH=/opt/code \\
    MLSERVER_MODELS_DIR=/models/
ENV MLSERVER_HTTP_PORT=8002 MLSERVER_LOGGING_SETTINGS=/opt/code/logging.json
ENV MLSERVER_PARALLEL_WORKERS=0 NOTE="two words" SSL_CERT_FILE=/etc/image.pem
WORKDIR /opt/code
CMD ["/opt/venv/bin/server", "--models", "/models/"]
"""
# Stands in for the server: writes down how it was started.
PROGRAM = """#!/bin/sh
printf '%s\\n' "$*" "$PWD" >started
env >environment
exec sleep 60
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A runtime's folder."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.fixture
def started(tmp_path: Path, source: Path) -> Callable[..., tuple[str, Mapping[str, str]]]:
    """Starts it with these variables; what the process saw: arguments and folder, and its environment."""
    program = tmp_path / "venv/bin/server"
    program.parent.mkdir(parents=True)
    program.write_text(PROGRAM)
    program.chmod(0o755)

    def start(**given: str) -> tuple[str, Mapping[str, str]]:
        given = {"PATH": "/usr/bin:/bin", **given}
        image = image_of(source / "Dockerfile")
        server = ModelServer(tmp_path / "venv", source, tmp_path / "written", given, image=image)
        while not (source / "environment").exists() or not (source / "environment").read_text().count("PATH="):
            assert server.process.poll() is None
        server.stop()
        lines = (source / "environment").read_text().splitlines()
        return (source / "started").read_text(), dict(line.partition("=")[::2] for line in lines)

    return start


def test_the_last_stage_of_the_dockerfile_counts(source: Path) -> None:
    image = image_of(source / "Dockerfile")
    assert image.command == ("/opt/venv/bin/server", "--models", "/models/")
    assert (image.folder, image.models) == ("/opt/code", "/models/")
    assert image.variables["MLSERVER_HTTP_PORT"] == "8002"
    assert image.variables["NOTE"] == "two words"
    assert "MLSERVER_DEBUG" not in image.variables


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("WORKDIR /opt/code\n", ""),
        ("MLSERVER_MODELS_DIR=/models/", "MLSERVER_MODELS_DIR=/elsewhere/"),
        ('["/opt/venv/bin/server", "--models", "/models/"]', "server --models /models/"),
        ('"/models/"]', '"${MLSERVER_MODELS_DIR}"]'),
    ],
)
def test_a_dockerfile_that_leaves_out_what_is_needed_is_told(source: Path, line: str, instead: str) -> None:
    text = (source / "Dockerfile").read_text()
    assert line in text
    (source / "Dockerfile").write_text(text.replace(line, instead))
    with pytest.raises(ModelServerError, match=r"Dockerfile: expected in its last stage WORKDIR"):
        image_of(source / "Dockerfile")


def test_a_dockerfile_in_the_runtimes_folder_is_not_used_as_no_image_is_built_of_it(
    tmp_path: Path, source: Path
) -> None:
    program = tmp_path / "venv/bin/python"
    program.parent.mkdir(parents=True)
    program.symlink_to("/bin/echo")
    with (tmp_path / "log").open("w") as log:
        ModelServer(tmp_path / "venv", source, tmp_path / "written", {}, log=log).process.wait()
    assert (tmp_path / "log").read_text() == f"-m modelmesh_runtime {tmp_path}/written/_mlserver_models\n"


def test_the_images_command_runs_on_this_machines_folders(
    started: Callable[..., Any], source: Path, tmp_path: Path
) -> None:
    command, environment = started()
    assert command == f"--models {tmp_path}/written/_mlserver_models\n{source}\n"
    assert environment["PYTHONPATH"] == f"{source}:{BASE}"
    assert environment["MLSERVER_LOGGING_SETTINGS"] == f"{source}/logging.json"
    assert environment["MLSERVER_HOST"] == "127.0.0.1"
    assert environment["NOTE"] == "two words"
    assert environment["PATH"] == f"{tmp_path}/venv/bin:/usr/bin:/bin"
    assert "SSL_CERT_FILE" not in environment, "a file of the image's"
    assert "8002" not in [environment[name] for name in PORTS]
    assert len({environment[name] for name in PORTS}) == 3


def test_who_starts_it_steers_the_server_but_not_where_it_finds_its_code(
    started: Callable[..., Any], source: Path
) -> None:
    _, environment = started(MLSERVER_PARALLEL_WORKERS="2", NOTE="mine", PYTHONPATH="/more")
    assert environment["MLSERVER_PARALLEL_WORKERS"] == "2"
    assert environment["NOTE"] == "two words"
    assert environment["PYTHONPATH"] == f"{source}:{BASE}:/more"


def test_a_given_port_is_taken_and_one_in_use_is_named(started: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with pytest.raises(
            ModelServerError, match=rf"MLSERVER_GRPC_PORT: port {port} is not available \(Address already in use\); set"
        ):
            started(MLSERVER_GRPC_PORT=port)
    assert started(MLSERVER_GRPC_PORT=port)[1]["MLSERVER_GRPC_PORT"] == port


@pytest.mark.parametrize("port", ["http", "70000", "-1"])
def test_what_is_no_port_is_told(started: Callable[..., Any], port: str) -> None:
    with pytest.raises(ModelServerError, match=r"MLSERVER_HTTP_PORT: '.*', expected a port's number"):
        started(MLSERVER_HTTP_PORT=port)


def test_a_server_that_ends_before_it_answers_is_told(tmp_path: Path, source: Path) -> None:
    program = tmp_path / "venv/bin/server"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    server = ModelServer(tmp_path / "venv", source, tmp_path / "written", {}, image=image_of(source / "Dockerfile"))
    with pytest.raises(ModelServerError, match="ended with exit code 3"):
        server.wait_until_live()


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("{", r"expected JSON \("),
        ("null", "expected a JSON object"),
        ('{"parameters": null}', "expected a JSON object"),
        ('{"parameters": {"uri": 7}}', "expected a JSON object"),
    ],
)
def test_settings_of_its_own_that_the_adapter_would_end_of_are_told(
    tmp_path: Path, source: Path, settings: str, problem: str
) -> None:
    server = ModelServer(tmp_path / "venv", source, tmp_path / "written", {}, image=image_of(source / "Dockerfile"))
    server.stop()
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model-settings.json").write_text(settings)
    with pytest.raises(ModelServerError, match=rf"model/model-settings\.json: {problem}"):
        server.lay_out("wrong", tmp_path / "model")


@pytest.mark.usefixtures("started")
def test_a_model_is_laid_out_as_the_adapter_does_it(tmp_path: Path, source: Path) -> None:
    server = ModelServer(tmp_path / "venv", source, tmp_path / "written", {}, image=image_of(source / "Dockerfile"))
    server.stop()
    folder, file = tmp_path / "model", tmp_path / "one.txt"
    folder.mkdir()
    file.touch()
    for model, files in {"a": folder, "b": file}.items():
        adapted = server.lay_out(model, files)
        settings = json.loads((adapted / "model-settings.json").read_text())
        assert settings == {"name": model, "parameters": {"uri": str(adapted / files.name)}}
        assert (adapted / files.name).resolve() == files
    (folder / "model-settings.json").write_text('{"name": "x", "parameters": {"uri": "./w", "extra": {"n": 1}}}')
    (folder / "w").touch()
    adapted = server.lay_out("c", folder)
    settings = json.loads((adapted / "model-settings.json").read_text())
    assert settings == {"name": "c", "parameters": {"uri": str(adapted / "w"), "extra": {"n": 1}}}
    assert (adapted / "w").resolve() == folder / "w"
