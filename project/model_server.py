"""A model server as a local process, without an image, a cluster or root rights.

It runs the command of the image with its variables, both read from the Dockerfile, and with folders of this machine.
Models are laid out as by ModelMesh's puller and adapter.
"""

import json
import os
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from project import ROOT
from project.errors import UserError

BASE = ROOT / "runtime_src"
"""Folder of the Dockerfile of all runtimes, and of the package that they have in common."""
SETTINGS_FILE = "model-settings.json"
PORTS = ("MLSERVER_HTTP_PORT", "MLSERVER_GRPC_PORT", "MLSERVER_METRICS_PORT")
_HOST = "127.0.0.1"
_MINE = "MLSERVER_"
"""Prefix of the variables that configure the model server."""
_SECONDS_TO_STOP = 20


class ModelServerError(UserError):
    """The model server can't be started, or does not work; the message explains why."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """Command and environment in the last stage of a Dockerfile."""

    command: tuple[str, ...]
    variables: Mapping[str, str]
    folder: str
    """Working directory with the code."""
    models: str
    """Folder of the models."""


class ModelServer:
    """Model server of a runtime's folder, on free ports.

    Args:
        venv: Python environment of the runtime.
        source: Folder of the runtime.
        folder: An empty folder for all written files.
        given: Additional variables; those for MLServer and the runtime take precedence over the image's.
        models: Folder of the models, if they are laid out by the caller.
        image: Command and environment of the image, if they are not those of all runtimes.
        log: Destination of the server's output; by default that of this process.

    Raises:
        ModelServerError: The Dockerfile has no command, or a given port is not available.
    """

    def __init__(
        self,
        venv: Path,
        source: Path,
        folder: Path,
        given: Mapping[str, str],
        *,
        models: Path | None = None,
        image: Image | None = None,
        log: IO[str] | None = None,
    ) -> None:
        image = image or image_of()
        self.models = models or folder / "_mlserver_models"
        self.http_port, self.grpc_port, metrics_port = ports = _ports(given)
        self.metrics_url = f"http://{_HOST}:{metrics_port}/metrics"
        environment = _environment(image, source, given) | {
            "PATH": f"{venv / 'bin'}:{given.get('PATH', '/usr/bin:/bin')}",
            "MLSERVER_HOST": _HOST,
            "MLSERVER_MODELS_DIR": str(self.models),
            "MLSERVER_METRICS_DIR": str(folder / "metrics"),
            **dict(zip(PORTS, map(str, ports), strict=True)),
        }
        program, *arguments = (str(self.models) if word == image.models else word for word in image.command)
        # A separate session: this process handles a terminal's Ctrl-C, since two of them stop the server uncleanly.
        self.process = subprocess.Popen(
            # Programs of the image are in its Python environment.
            [venv / "bin" / Path(program).name, *arguments],
            cwd=source, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip

    def wait_until_live(self, seconds: float = 120) -> None:
        """Wait until the server answers.

        Raises:
            ModelServerError: It exits or takes too long.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ModelServerError(f"the model server ended with exit code {self.process.returncode}")
            try:
                if self.rest("/v2/health/ready")[0] == 200:
                    return
            except (OSError, HTTPException):
                pass
            time.sleep(0.05)
        raise ModelServerError(f"the model server did not answer within {seconds:.0f} s")

    def lay_out(self, model: str, files: Path) -> Path:
        """Lay out a model, a file or a folder, as the adapter does; return the adapter's folder.

        A `model-settings.json` in a folder is the user's, which the adapter passes on.

        Raises:
            ModelServerError: The settings would make the adapter panic.
        """
        adapted = self.models / model
        adapted.mkdir(parents=True)
        own = files / SETTINGS_FILE
        if own.is_file():
            settings = _settings(own)
            for file in files.iterdir():
                if file != own:
                    (adapted / file.name).symlink_to(file.resolve())
            if uri := settings.get("parameters", {}).get("uri"):
                settings["parameters"]["uri"] = str(adapted / uri)
        else:
            link = adapted / files.name
            link.symlink_to(files.resolve())
            settings = {"parameters": {"uri": str(link)}}
        (adapted / SETTINGS_FILE).write_text(json.dumps(settings | {"name": model}), encoding="utf-8")
        return adapted

    def load(self, model: str) -> None:
        """Load a model that is laid out.

        Raises:
            ModelServerError: The load failed; the message is the server's reason.
        """
        status, answer = self.rest(f"/v2/repository/models/{quote(model)}/load", {})
        if status != 200:
            raise ModelServerError(str(answer.get("error", answer)))

    def rest(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a GET, or a POST with a body (JSON, or bytes as they are); return status and parsed response."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = HTTPConnection(_HOST, self.http_port, timeout=60)
        try:
            connection.request("GET" if data is None else "POST", path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or "null")
        finally:
            connection.close()

    def stop(self) -> int:
        """Stop the server like the kubelet and return its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def image_of(file: Path = BASE / "Dockerfile") -> Image:
    """Command and environment of the image that a Dockerfile makes, by default of that of all runtimes.

    Raises:
        ModelServerError: The Dockerfile is incomplete.
    """
    command: list[str] = []
    variables: dict[str, str] = {}
    folder = ""
    for keyword, rest in _last_stage(file.read_text(encoding="utf-8")):
        match keyword:
            case "ENV":
                variables |= dict(pair.split("=", 1) for pair in shlex.split(rest))
            case "WORKDIR":
                folder = rest
            case "CMD" | "ENTRYPOINT":
                command += _words(rest)
    models = variables.get("MLSERVER_MODELS_DIR", "")
    if not folder or not models or models not in command:
        raise ModelServerError(
            f"{file}: expected in its last stage WORKDIR (the folder of the code), ENV MLSERVER_MODELS_DIR=<folder>, "
            'and CMD ["program", "argument", …] with that folder as an argument, since there is no shell'
        )
    return Image(command=tuple(command), variables=variables, folder=folder, models=models)


def free_ports(count: int) -> list[int]:
    """Ports that are not in use."""
    sockets = [socket.create_server((_HOST, 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _environment(image: Image, source: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Environment of the server: given variables, overridden by the image unless they configure the server."""
    # Of the image's paths, only those inside the folder of the code exist here, at another place.
    here = {
        name: value.replace(image.folder, str(source.resolve()))
        for name, value in image.variables.items()
        if not value.startswith("/") or value.startswith(image.folder)
    }
    steering = {name: value for name, value in given.items() if name.startswith(_MINE)}
    modules = [path for path in (here.get("PYTHONPATH"), str(BASE), given.get("PYTHONPATH")) if path]
    return {**given, **here, **steering, "PYTHONPATH": ":".join(modules)}


def _last_stage(dockerfile: str) -> list[tuple[str, str]]:
    """Keyword and arguments of the instructions in the last stage."""
    # Comments may be between the lines of one instruction.
    joined = re.sub(r"^\s*#.*\n", "", dockerfile, flags=re.MULTILINE).replace("\\\n", " ")
    stage = re.split(r"^FROM\s.*\n", joined, flags=re.MULTILINE)[-1]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in stage.splitlines())]


def _settings(file: Path) -> dict[str, Any]:
    """Settings of a model, in which `parameters.uri` may name its files."""
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelServerError(f"{file}: expected JSON ({error})") from None
    parameters = settings.get("parameters", {}) if isinstance(settings, dict) else None
    if not isinstance(parameters, dict) or not isinstance(parameters.get("uri", ""), str):
        raise ModelServerError(f"{file}: expected a JSON object; parameters must be an object, and their uri a string")
    return dict(settings)


def _words(command: str) -> list[str]:
    try:
        return list(map(str, json.loads(command)))
    except ValueError:  # the shell form of a command
        return [command]


def _ports(given: Mapping[str, str]) -> list[int]:
    """Ports for PORTS: the given ones, or free ones."""
    return [
        _port(name, given[name]) if given.get(name) else free for name, free in zip(PORTS, free_ports(3), strict=True)
    ]


def _port(name: str, value: str) -> int:
    try:
        socket.create_server((_HOST, int(value))).close()
    except (ValueError, OverflowError):
        raise ModelServerError(f"{name}: {value!r}, expected a port's number, or nothing for a free one") from None
    except OSError as error:
        # The interpreter's message repeats the address.
        why = os.strerror(error.errno or 0)
        reason = f"{name}: port {value} is not available ({why}); set another one, or none for a free one"
        raise ModelServerError(reason) from None
    return int(value)
