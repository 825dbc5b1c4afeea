"""Command `make runtime`: one model server without a cluster, with a model and requests to paste."""

import json
import os
import subprocess
import tempfile
from argparse import Namespace
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cli.errors import CommandError
from cli.samples import curl_line, python_line, sample
from models import sentiment as example
from project import ROOT
from project.environments import venv_for
from project.model_server import SETTINGS_FILE, ModelServer, ModelServerError, image_of
from project.progress import say

PYTHON = ".venv/bin/python"


def runtime(arguments: Namespace) -> None:
    """Serve a model until Ctrl-C, after sending one request to it."""
    source = _source(arguments.runtime)
    model, files = _model(source, arguments.model)
    venv = _environment(source)
    with tempfile.TemporaryDirectory() as folder:
        try:
            server = ModelServer(venv, source, Path(folder), os.environ)
        except ModelServerError as error:
            raise CommandError(str(error)) from None
        try:
            _serve(server, source, model, files, arguments.text)
        except KeyboardInterrupt:
            say("▸ Stopping")
        finally:
            code = server.stop()
    if code:
        raise CommandError(f"the model server ended with exit code {code}: its log is above")


def _source(folder: str) -> Path:
    """Folder of a runtime."""
    source = Path(folder)
    try:
        image_of(source)
    except ModelServerError as error:
        raise CommandError(f"{error}; make new-runtime NAME=… makes such a folder") from None
    return source


def _environment(source: Path) -> Path:
    """Python environment of a runtime, which is built if its lock file is new."""
    lock = source / "requirements.txt"
    try:
        return venv_for(lock)
    except FileNotFoundError:
        raise CommandError(f"{lock} does not exist: make lock RUNTIME={source} makes it of pyproject.toml") from None
    except subprocess.CalledProcessError:
        reason = "pip says why above. MLServer needs Python 3.11 or 3.12, as in: make PYTHON=python3.11 runtime"
        raise CommandError(f"{lock} can't be installed: {reason}") from None


def _model(source: Path, named: str) -> tuple[str, Path]:
    """Name and files of the model to serve: the named one, or else that of the runtime's settings file."""
    if named:
        model, files = Path(named).resolve().name, Path(named)
    else:
        model, files = _declared(source / SETTINGS_FILE)
    if not files.exists() and files.resolve() == ROOT / example.TARGET:
        example.make(files)
    if not files.exists():
        raise CommandError(f"{files} does not exist: MODEL=… names the file or folder of a model")
    return model, files


def _declared(file: Path) -> tuple[str, Path]:
    """Name and path of the model that `mlserver start` would serve from the runtime's folder."""
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        return str(settings["name"]), Path(os.path.normpath(file.parent / settings["parameters"]["uri"]))
    except FileNotFoundError:
        raise CommandError(f"{file} does not exist: MODEL=… names the file or folder of a model") from None
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{file}: expected JSON with name and parameters.uri of a model ({error!r})") from None


def _serve(server: ModelServer, source: Path, model: str, files: Path, text: str) -> None:
    try:
        server.wait_until_live()
        server.lay_out(model, files)
        server.load(model)
        _, metadata = server.rest(f"/v2/models/{quote(model)}")
        _show(server, model, files, sample(metadata.get("inputs") or [], text))
        raise ModelServerError(f"the model server ended with exit code {server.process.wait()}")
    except (ModelServerError, HTTPException, OSError) as error:
        raise CommandError(f"{error}; its log is above. Mend {source} or {files}, then again: make runtime") from None


def _show(server: ModelServer, model: str, files: Path, request: dict[str, Any]) -> None:
    say(f"▸ Model {model} ({files}) is served")
    print(f"  REST     http://127.0.0.1:{server.http_port}/v2/models/{quote(model)}")
    print(f"  gRPC     127.0.0.1:{server.grpc_port}")
    print(f"  metrics  {server.metrics_url}", flush=True)
    if not request["inputs"]:
        say("  The model declares no inputs, so no request can be made up for it")
    else:
        say("▸ A request to paste, over REST and over gRPC")
        print(curl_line(server.http_port, model, request))
        print(python_line(PYTHON, server.grpc_port, model, request), flush=True)
        status, answer = server.rest(f"/v2/models/{quote(model)}/infer", request)
        say(f"▸ Its answer, status {status}")
        print(json.dumps(answer, ensure_ascii=False), flush=True)
    say("▸ The server's log, until Ctrl-C")
