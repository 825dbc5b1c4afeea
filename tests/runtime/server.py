"""A real MLServer process with the settings of the runtime's Dockerfile, and models laid out as the adapter does."""

import os
import time
from pathlib import Path

import grpc

from project.model_server import ModelServer, image_of
from project.v2_client import Messages
from tests.runtime.v2_client import V2Client

RUNTIME = Path(__file__).parents[2] / "runtimes/sentiment"


class RuntimeServer:
    """The server, on free ports of the loopback interface.

    Args:
        venv: the runtime's Python environment.
        folder: an empty one for everything that is written.
        models: where the models are, if an adapter lays them out.
        changed: variables of the server's environment, in place of the image's.
    """

    def __init__(self, venv: Path, folder: Path, models: Path | None = None, **changed: str) -> None:
        self.log = folder / "mlserver.log"
        self._files = folder / "pulled"
        given = {"PATH": os.environ["PATH"], **changed}
        with self.log.open("w") as log:
            self._server = ModelServer(venv, RUNTIME, folder, given, models=models, log=log)
        self.models, self.process = self._server.models, self._server.process
        self.grpc_port, self.metrics_url = self._server.grpc_port, self._server.metrics_url
        self.client = V2Client(Messages(venv), self.grpc_port, self._server.http_port)

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
        self.client.channel.close()
        return self._server.stop()

    def lay_out(self, model: str, files: dict[str, bytes]) -> Path:
        """Put a model where the puller and the adapter would; return the directory of the adapter's.

        One file named like the model's path stands for a model that is a file; a `model-settings.json` among several
        is the user's own, which the adapter hands through.
        """
        pulled = self._files / model / "content"
        for name, content in files.items():
            (pulled / name).parent.mkdir(parents=True, exist_ok=True)
            (pulled / name).write_bytes(content)
        is_file = len(files) == 1 and "model-settings.json" not in files
        return self._server.lay_out(model, pulled / next(iter(files)) if is_file else pulled)

    def load(self, model: str) -> None:
        """Load a model as the adapter does; raises grpc.RpcError."""
        self.client.call("RepositoryModelLoad", model_name=model)


def image_environment() -> dict[str, str]:
    """The variables that the Dockerfile sets."""
    return dict(image_of().variables)
