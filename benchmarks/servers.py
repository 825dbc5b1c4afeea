"""Measured servers, as processes on free ports of the loopback interface."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from benchmarks.errors import BenchmarkError
from benchmarks.texts import lay_out
from embedded import files
from project import ROOT
from project.model_server import BASE, SETTINGS_FILE, free_ports, image_of
from project.v2_client import Messages, V2Client

HERE = Path(__file__).parent
RUNTIME = ROOT / "runtimes/sentiment"
TEMPLATE = HERE / "template"
_READY_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Program:
    """Command and environment of a server."""

    command: tuple[str, ...]
    """Command; {models}, {grpc_port} and {protoset} are placeholders."""
    environment: Mapping[str, str]
    """Environment variables of the server."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """Source of Python modules that precede all others on the search path, by file name."""
    model_settings: Mapping[str, Any] = field(default_factory=dict)
    """Additional settings of the models."""


def of_image(folder: Path) -> Program:
    """Program of a Dockerfile's image, with the code in the checkout."""
    image = image_of(folder)
    environment = {name: value.replace(image.folder, str(folder)) for name, value in image.variables.items()}
    if (settings := folder / SETTINGS_FILE).is_file():
        environment["MLSERVER_MODEL_IMPLEMENTATION"] = json.loads(settings.read_text())["implementation"]
        environment["PYTHONPATH"] += f":{BASE}"
    return Program(
        command=tuple("{models}" if word == image.models else word for word in image.command), environment=environment
    )


def bare() -> Program:
    """Program of the bare gRPC server."""
    command = ("python", str(HERE / "limits/bare.py"), "{grpc_port}", "{protoset}", "{models}")
    return Program(command=command, environment={"PYTHONPATH": str(RUNTIME)})


@dataclass(frozen=True)
class Environment:
    """Python environment, message classes and scratch folder of all servers."""

    venv: Path
    messages: Messages
    protoset: Path
    scratch: Path


class Server:
    """A running server, which the context manager stops."""

    def __init__(self, environment: Environment, program: Program, name: str) -> None:
        folder = Path(tempfile.mkdtemp(dir=environment.scratch))
        self.models, self._log, self._name = folder / "models", folder / "log", name
        self.models.mkdir()
        for module, source in program.modules.items():
            (folder / module).write_text(source)
        self._model_settings = program.model_settings
        self._messages = environment.messages
        self._grpc_port, self._http_port, metrics_port = free_ports(3)
        filled = {"models": self.models, "grpc_port": self._grpc_port, "protoset": environment.protoset}
        first, *rest = (word.format_map(filled) for word in program.command)
        variables = {
            **program.environment,
            "PATH": f"{environment.venv / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": f"{folder}:{program.environment['PYTHONPATH']}",
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_GRPC_PORT": str(self._grpc_port),
            "MLSERVER_HTTP_PORT": str(self._http_port),
            "MLSERVER_METRICS_PORT": str(metrics_port),
            "MLSERVER_METRICS_DIR": str(folder / "metrics"),
            "MLSERVER_ENVIRONMENTS_DIR": str(folder / "environments"),
        }
        self._started = time.monotonic()
        with self._log.open("w") as log:
            # A separate session: the benchmark handles Ctrl-C and stops its servers in order.
            self._process = subprocess.Popen(
                [environment.venv / "bin" / Path(first).name, *rest], cwd=folder, env=variables, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        finally:
            # Kill remaining processes of its session, such as workers.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def address(self) -> str:
        """Address of the gRPC port."""
        return f"127.0.0.1:{self._grpc_port}"

    def wait_until_ready(self) -> float:
        """Wait until the server is ready; return the seconds since its start."""
        while time.monotonic() < self._started + _READY_SECONDS and self._process.poll() is None:
            # gRPC's own client would wait a second after each attempt.
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._grpc_port), timeout=1):
                break
            time.sleep(0.01)
        self.client = V2Client(self._messages, self._grpc_port, self._http_port)
        with contextlib.suppress(grpc.RpcError):
            if self.client.call("ServerReady").ready:
                return time.monotonic() - self._started
        raise BenchmarkError(f"{self._name} was not ready in time; its log ends with:\n{files.tail(self._log)}")

    def load(self, name: str, directory: Path) -> float:
        """Lay out and load a model like the adapter; return the seconds of the load."""
        lay_out(self.models, name, directory, self._model_settings)
        started = time.monotonic()
        self.client.call("RepositoryModelLoad", model_name=name)
        return time.monotonic() - started

    def memory(self) -> int:
        """Memory of all its processes in bytes; as for a container, files that several of them map count once."""
        own, files = 0, [0]
        for pid in _tree(self._process.pid):
            status = Path(f"/proc/{pid}/status").read_text()
            sizes = {
                name: int(size) * 1024 for name, size in re.findall(r"^Rss(\w+):\s+(\d+) kB", status, re.MULTILINE)
            }
            own += sizes["Anon"] + sizes["Shmem"]
            files.append(sizes["File"])
        return own + max(files)


def _tree(pid: int) -> list[int]:
    children = " ".join(each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/children"))
    return [pid, *(each for child in children.split() for each in _tree(int(child)))]
