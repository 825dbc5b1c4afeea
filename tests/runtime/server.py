"""A real MLServer process with the settings of the runtime's Dockerfile, and models laid out as the adapter does."""

import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import grpc

from tests.runtime.v2_client import Messages, V2Client

RUNTIME = Path(__file__).parents[2] / "runtime_src"


class RuntimeServer:
    """The server, on free ports of the loopback interface.

    Args:
        venv: the runtime's Python environment.
        folder: an empty one for everything that is written.
    """

    def __init__(self, venv: Path, folder: Path) -> None:
        self.models = folder / "_mlserver_models"
        self.log = folder / "mlserver.log"
        self._files = folder / "pulled"
        grpc_port, http_port, metrics_port = free_ports(3)
        environment = image_environment() | {
            "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(RUNTIME),
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_GRPC_PORT": str(grpc_port),
            "MLSERVER_HTTP_PORT": str(http_port),
            "MLSERVER_METRICS_PORT": str(metrics_port),
            "MLSERVER_METRICS_DIR": str(folder / "metrics"),
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["mlserver", "start", str(self.models)], cwd=RUNTIME, env=environment, stdout=log, stderr=log
            )
        self.client = V2Client(Messages(venv), grpc_port, http_port)

    def wait_until_live(self, seconds: float = 120) -> None:
        """Wait for the server, or show its log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.client.send("ServerReady", self.client.message("ServerReadyRequest"), seconds=2).ready:
                    return
            except grpc.RpcError:
                time.sleep(0.2)
        raise AssertionError(f"MLServer did not come up:\n{self.log.read_text()}")

    def stop(self) -> int:
        """Ask the server to end, as kubelet does, and return its exit code."""
        self.client.close()
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def lay_out(self, model: str, files: dict[str, bytes]) -> Path:
        """Put a model where the puller and the adapter would; return the directory of the adapter's.

        One file named like the model's path stands for a model that is a file; a `model-settings.json` among several
        is the user's own, which the adapter hands through.
        """
        pulled, adapted = self._files / model / "content", self.models / model
        for name, content in files.items():
            (pulled / name).parent.mkdir(parents=True, exist_ok=True)
            (pulled / name).write_bytes(content)
        adapted.mkdir(parents=True)
        settings = json.loads(files.get("model-settings.json", b"{}")) | {"name": model}
        if "model-settings.json" in files:
            for name in set(files) - {"model-settings.json"}:
                (adapted / name).symlink_to(pulled / name)
            if uri := settings.get("parameters", {}).get("uri"):
                settings["parameters"]["uri"] = str(adapted / uri)
        else:
            target = pulled / next(iter(files)) if len(files) == 1 else pulled
            (adapted / target.name).symlink_to(target)
            settings["parameters"] = {"uri": str(adapted / target.name)}
        (adapted / "model-settings.json").write_text(json.dumps(settings))
        return adapted

    def load(self, model: str) -> None:
        """Load a model as the adapter does; raises grpc.RpcError."""
        self.client.call("RepositoryModelLoad", model_name=model)


def image_environment() -> dict[str, str]:
    """The variables that the Dockerfile sets for MLServer and Python."""
    dockerfile = (RUNTIME / "Dockerfile").read_text()
    return dict(re.findall(r"^(?:ENV)? +((?:MLSERVER|PYTHON)\w*)=(\S+)", dockerfile, re.MULTILINE))


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
