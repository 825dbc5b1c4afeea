"""Measured servers, as processes on free ports of the loopback interface."""

import contextlib
import json
import os
import re
import signal
import socket
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from benchmarks.errors import BenchmarkError
from embedded import files
from project import ROOT
from project.environments import runtime_venv
from project.model_server import SETTINGS_FILE, Image, ModelServer, image_of
from project.v2_client import GrpcClient, Messages

HERE = Path(__file__).parent
RUNTIME = ROOT / "runtimes/sentiment"
TEMPLATE = HERE / "template"
_READY_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Program:
    """A server to start."""

    source: Path
    """Folder with its code."""
    image: Image | None = None
    """Command and environment, if they are not those of all runtimes."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that replace those of the image."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """Source of Python modules that precede those of its Python environment, by file name."""
    model_settings: Mapping[str, Any] = field(default_factory=dict)
    """Additional settings of the models."""


def template(**changed: Any) -> Program:
    """Program of the tutorial's template, with the settings of the template's Dockerfile."""
    return Program(source=TEMPLATE, image=image_of(TEMPLATE / "Dockerfile"), **changed)


def bare(protoset: Path) -> Program:
    """Program of the bare gRPC server."""
    command = ("python", str(HERE / "limits/bare.py"), str(protoset), "/models")
    image = Image(command=command, variables={"PYTHONPATH": "/code"}, folder="/code", models="/models")
    return Program(source=RUNTIME, image=image)


@dataclass(frozen=True)
class Environment:
    """Python environment, message classes and scratch folder of all servers."""

    venv: Path
    messages: Messages
    protoset: Path
    scratch: Path


def environment_in(scratch: Path) -> Environment:
    """The environment of all servers, with files in this folder."""
    venv = runtime_venv(RUNTIME)
    messages, file, protoset = Messages(venv), FileDescriptorProto(), scratch / "v2.protoset"
    messages.of("ModelInferRequest").DESCRIPTOR.file.CopyToProto(file)
    protoset.write_bytes(FileDescriptorSet(file=[file]).SerializeToString())
    return Environment(venv, messages, protoset, scratch)


class Server(ModelServer):
    """A running server, which the context manager stops."""

    def __init__(self, environment: Environment, program: Program, name: str) -> None:
        folder = Path(tempfile.mkdtemp(dir=environment.scratch))
        models, self._log, self._name = folder / "models", folder / "log", name
        models.mkdir()
        for module, source in program.modules.items():
            (folder / module).write_text(source)
        self._model_settings = program.model_settings
        self._messages = environment.messages
        given = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(folder),
            "MLSERVER_ENVIRONMENTS_DIR": str(folder / "environments"),
            **program.environment,
        }
        self._started = time.monotonic()
        with self._log.open("w") as log:
            super().__init__(
                environment.venv, program.source, folder, given, models=models, image=program.image, log=log
            )

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            # Kill remaining processes of its session, such as workers.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    @property
    def address(self) -> str:
        """Address of the gRPC port."""
        return f"127.0.0.1:{self.grpc_port}"

    def wait_until_ready(self) -> float:
        """Wait until the server is ready; return the seconds since its start."""
        while time.monotonic() < self._started + _READY_SECONDS and self.process.poll() is None:
            # gRPC's own client would wait a second after each attempt.
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.grpc_port), timeout=1):
                break
            time.sleep(0.01)
        self.client = GrpcClient(self._messages, self.grpc_port)
        with contextlib.suppress(grpc.RpcError):
            if self.client.call("ServerReady").ready:
                return time.monotonic() - self._started
        raise BenchmarkError(f"{self._name} was not ready in time; its log ends with:\n{files.tail(self._log)}")

    def load_timed(self, name: str, directory: Path) -> float:
        """Lay out and load a model like the adapter; return the seconds of the load."""
        settings = self.lay_out(name, directory) / SETTINGS_FILE
        settings.write_text(json.dumps({**self._model_settings, **json.loads(settings.read_text())}))
        started = time.monotonic()
        self.client.call("RepositoryModelLoad", model_name=name)
        return time.monotonic() - started

    def memory(self) -> int:
        """Memory of all its processes in bytes; as for a container, files that several of them map count once."""
        own, files = 0, [0]
        for pid in _tree(self.process.pid):
            status = Path(f"/proc/{pid}/status").read_text()
            sizes = {
                name: int(size) * 1024 for name, size in re.findall(r"^Rss(\w+):\s+(\d+) kB", status, re.MULTILINE)
            }
            own += sizes["Anon"] + sizes["Shmem"]
            files.append(sizes["File"])
        return own + max(files)

    def cpu_seconds(self) -> float:
        """CPU time of all its processes since their start."""
        ticks = 0
        for pid in _tree(self.process.pid):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def _tree(pid: int) -> list[int]:
    children = " ".join(each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/children"))
    return [pid, *(each for child in children.split() for each in _tree(int(child)))]
