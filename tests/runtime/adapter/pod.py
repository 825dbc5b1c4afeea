"""A runtime pod without its mesh, as processes on the loopback interface: MinIO, the adapter, and our server.

It owns what a test does to them in the mesh's place: put objects into the bucket, call `mmesh.ModelRuntime`, infer.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from embedded.solo_mesh.wire import runtime as messages
from project.environments import venv_for
from tests.adapter import ADAPTED, running_adapter
from tests.minio import running_minio
from tests.runtime.server import RUNTIME, RuntimeServer

LOADING_CONCURRENCY = 8
Files = bytes | Mapping[str, bytes]


class AdapterPod:
    """The processes; all end with the stack.

    Args:
        folder: an empty one for all that they write.
        stack: ends them.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.models = folder / "models"
        self.bucket = stack.enter_context(running_minio(folder, "models"))
        # The adapter empties the models' folder, so the server writes its log elsewhere.
        self.server = RuntimeServer(venv_for(RUNTIME / "requirements.txt"), folder, self.models / ADAPTED)
        stack.callback(self.server.stop)
        self.server.wait_until_live()
        adapter = running_adapter(
            folder,
            self.models,
            self.server.grpc_port,
            storage_config(self.bucket.storage()),
            LOADING_CONCURRENCY=str(LOADING_CONCURRENCY),
        )
        self.adapter = stack.enter_context(adapter)
        self._channel = stack.enter_context(grpc.insecure_channel(self.adapter.endpoint))
        self._pool = stack.enter_context(ThreadPoolExecutor(LOADING_CONCURRENCY))
        self.call("runtimeStatus")

    def call(self, method: str, /, **fields: str) -> Any:
        """Call `mmesh.ModelRuntime`; raises grpc.RpcError."""
        return self._begin(method, fields, seconds=60).result()

    def _begin(self, method: str, fields: Mapping[str, str], seconds: float) -> Any:
        name = f"{method[0].upper()}{method[1:]}"
        request = getattr(messages, f"{name}Request")(**fields)
        rpc: Any = self._channel.unary_unary(
            f"/mmesh.ModelRuntime/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=getattr(messages, f"{name}Response").FromString,
        )
        return rpc.future(request, timeout=seconds)

    def put(self, path: str, files: Files) -> str:
        """Store a model that is one object, or several below the path; return the path."""
        for name, content in files.items() if isinstance(files, Mapping) else [("", files)]:
            self.bucket.put(f"{path}/{name}" if name else path, content)
        return path

    def load(self, model: str, path: str, key: Mapping[str, object] | None = None) -> Any:
        """Load a model as the mesh does; `key` stands in place of what the InferenceService's storage gives."""
        return self.begin_load(model, path, key).result()

    def begin_load(self, model: str, path: str, key: Mapping[str, object] | None = None, *, seconds: float = 60) -> Any:
        """Begin to load a model; the call can be waited for or cancelled."""
        model_key = json.dumps({"storage_key": "localMinIO", "model_type": {"name": "custom-model"}, **(key or {})})
        fields = {"modelId": model, "modelType": "rt:custom-runtime-0.x", "modelPath": path, "modelKey": model_key}
        return self._begin("loadModel", fields, seconds)

    def unload(self, model: str) -> None:
        """Unload a model as the mesh does."""
        self.call("unloadModel", modelId=model)

    def refusal(self, model: str, path: str, key: Mapping[str, object] | None = None) -> tuple[str, str]:
        """Code and message of a load that has to fail; what no two runs have in common is masked."""
        try:
            self.load(model, path, key)
        except grpc.RpcError as raised:
            error: Any = raised
            message = str(error.details()).replace(str(self.models), "/models").replace(self.bucket.address, "minio")
            return error.code().name, re.sub(r"(request|host) id: \w*", r"\1 id: *", message)
        raise AssertionError(f"{model} was loaded")

    def each(self, work: Callable[[str], object], models: Mapping[str, object]) -> None:
        """Do something for each model, as many at once as the adapter lets the mesh load."""
        futures: list[Future[object]] = [self._pool.submit(work, model) for model in models]
        for future in futures:
            future.result()

    def compound(self, model: str, text: str) -> float:
        """The compound score that a model gives a text, to its 4 digits; raises grpc.RpcError."""
        contents = {"bytes_contents": [text.encode()]}
        tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "contents": contents}
        answer = self.server.client.call(
            "ModelInfer", model_name=model, inputs=[tensor], outputs=[{"name": "compound"}]
        )
        assert answer.model_name == model
        return round(float(answer.outputs[0].contents.fp32_contents[0]), 4)

    def state(self, model: str) -> str:
        """What the server says of a model: READY, LOADING or NOT_FOUND."""
        try:
            return "READY" if self.server.client.call("ModelReady", name=model).ready else "LOADING"
        except grpc.RpcError as error:
            return str(error.code().name)

    def settles(self, model: str, state: str, seconds: float = 30) -> None:
        """Wait until a model is in a state; the test fails if it does not get there."""
        deadline = time.monotonic() + seconds
        while (now := self.state(model)) != state:
            assert time.monotonic() < deadline, f"{model} is still {now}, not {state}"
            time.sleep(0.01)

    def index(self) -> dict[str, str]:
        """State by model, as the repository API lists them."""
        return {each.name: each.state for each in self.server.client.call("RepositoryIndex").models}

    def files(self) -> set[str]:
        """What is in the models' folder, of puller and adapter."""
        return {str(path.relative_to(self.models)) for path in self.models.rglob("*")} - {ADAPTED}

    def metrics(self) -> str:
        """The server's Prometheus metrics."""
        with urlopen(self.server.metrics_url, timeout=10) as answer:  # noqa: S310  (a URL of the test's own)
            return str(answer.read().decode())

    def resident(self) -> int:
        """Bytes of memory that the server process holds."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        (kilobytes,) = re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        return int(kilobytes) * 1024


def storage_config(good: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """The entries of `storage-config`: a good one, and those that are wrong in one way."""

    def without(name: str) -> Mapping[str, str]:
        return {key: value for key, value in good.items() if key != name}

    return {
        "localMinIO": good,
        "noBucket": {**good, "default_bucket": "nowhere"},
        "nobody": {**good, "access_key_id": "nobody"},
        "wrongSecret": {**good, "secret_access_key": "wrong-secret"},
        "noCredentials": without("secret_access_key"),
        "noServer": {**good, "endpoint_url": "http://127.0.0.1:1"},
        "noType": without("type"),
    }


def package_compound(lexicon: Mapping[str, float], text: str) -> float:
    """The score that the vaderSentiment package itself gives with a lexicon."""
    analyzer = SentimentIntensityAnalyzer()
    analyzer.lexicon, analyzer.emojis = dict(lexicon), {}
    return float(analyzer.polarity_scores(text)["compound"])


def lines(lexicon: Mapping[str, float]) -> bytes:
    """A lexicon as a file."""
    return "".join(f"{token}\t{score}\n" for token, score in lexicon.items()).encode()
