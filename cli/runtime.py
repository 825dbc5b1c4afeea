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
from project.environments import runtime_venv
from project.model_server import SETTINGS_FILE, ModelServer, ModelServerError
from project.progress import say

PYTHON = ".venv/bin/python"
SAMPLE = "tests/sample_model.py"
"""Program in a runtime's folder that makes a model in the folder of its argument, with the runtime's environment."""


def runtime(arguments: Namespace) -> None:
    """Serve a model until Ctrl-C, after sending one request to it."""
    source = Path(arguments.runtime)
    if not (source / SETTINGS_FILE).is_file():
        reason = f"{source} is no model server's folder: expected {SETTINGS_FILE} in it"
        raise CommandError(f"{reason}; make new-runtime NAME=… creates such a folder")
    model, files = _model(source, arguments.model)
    venv = runtime_venv(source)
    if not files.exists():
        make_sample(venv, source / SAMPLE, files)
    with tempfile.TemporaryDirectory() as folder:
        _run(ModelServer(venv, source, Path(folder), os.environ), source, model, files, arguments.text)


def make_sample(venv: Path, program: Path, files: Path) -> None:
    """Make a sample model in a new folder, whole or not at all.

    Raises:
        CommandError: The program failed.
    """
    say(f"▸ Making a sample model: {files}")
    files.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=files.parent) as folder:
        made = Path(folder, files.name)
        if subprocess.run([venv / "bin/python", program, made]).returncode:
            raise CommandError(f"{program} failed: its output is above")
        made.rename(files)


def _run(server: ModelServer, source: Path, model: str, files: Path, text: str) -> None:
    try:
        _serve(server, source, model, files, text)
    except KeyboardInterrupt:
        say("▸ Stopping")
    finally:
        code = server.stop()
    if code:
        raise CommandError(f"the model server ended with exit code {code}: its log is above")


def _model(source: Path, named: str) -> tuple[str, Path]:
    """Name and files of the model to serve: the named one, or that of the runtime's settings file, which may be made.

    Raises:
        CommandError: The files do not exist, and nothing makes them.
    """
    if named:
        model, files = Path(named).resolve().name, Path(named)
    else:
        model, files = _declared(source / SETTINGS_FILE)
        if files.resolve() == ROOT / example.TARGET:
            example.provide(files)
    if not files.exists() and (named or not (source / SAMPLE).is_file()):
        raise CommandError(f"{files} does not exist: MODEL=… names the file or folder of a model")
    return model, files


def _declared(file: Path) -> tuple[str, Path]:
    """Name and path of the model that `mlserver start` would serve from the runtime's folder."""
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        return str(settings["name"]), Path(os.path.normpath(file.parent / settings["parameters"]["uri"]))
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
        raise CommandError(
            f"{error}; its log is above. Correct {source} or {files}, and run make runtime again"
        ) from None


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
