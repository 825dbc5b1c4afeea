"""The program that asks a candidate, with a real gRPC server as the mesh and a small API server."""

import importlib.util
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as pb

from components.services import golden_gate
from tests.unit.stack.golden import PREDICTION

SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices"
RUNTIMES = "/apis/serving.kserve.io/v1alpha1/namespaces/models/servingruntimes"
PATH = f"{SERVICES}/sentiment-candidate"
MANIFEST = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "sentiment-candidate", "namespace": "models", "annotations": {"mode": "ModelMesh"}},
    "spec": {},
}
RUNTIME = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "ServingRuntime",
    "metadata": {"name": "custom-candidate", "namespace": "models"},
    "spec": {"multiModel": True},
}
OWN = {"modelmesh.pulumi.com/candidate-of": "sentiment"}
LOADED = {"states": {"activeModelState": "Loaded"}}
LOADING = {"states": {"activeModelState": "Loading"}}


def loaded_program() -> ModuleType:
    file = Path(golden_gate.__file__).with_name("golden") / "ask.py"
    spec = importlib.util.spec_from_file_location("ask", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ask = loaded_program()


@dataclass
class Api:
    """An API server with objects by their paths; the candidate gets one status after another."""

    statuses: list[dict[str, Any]]
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Methods and paths of all requests."""
    applied: list[dict[str, Any]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    """Statuses that the next requests get instead of an answer."""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        self.asked.append((method, path))
        if self.failures:
            return self.failures.pop(0), {"message": "the server says no"}
        if method == "PATCH":
            self.objects[path] = json.loads(body)
            self.applied.append(json.loads(body))
        if (found := self.objects.get(path)) is None:
            return 404, {}
        if method == "DELETE":
            del self.objects[path]
        if method == "GET" and self.applied:
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            found = found | {"status": {"modelStatus": status}}
        return 200, found


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    made = Api([LOADED])

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            path = self.path.partition("?")[0]
            assert self.headers["Authorization"] == "Bearer a-token"
            status, body = made.answer(self.command, path, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_GET = do_PATCH = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "token").write_text("a-token")
    monkeypatch.setattr(ask, "ACCOUNT", tmp_path)
    monkeypatch.setattr(ask.ssl, "create_default_context", lambda cafile: cafile)
    monkeypatch.setattr(
        ask.http.client, "HTTPSConnection", lambda *_, **__: HTTPConnection("127.0.0.1", server.server_port)
    )
    monkeypatch.setattr(ask.time, "sleep", lambda _: None)
    for name, value in {
        "SERVICE": "sentiment",
        "JOB": "job",
        "JOB_UID": "uid",
        "SECONDS": "5",
        "TLS": "",
        "RUNTIME": "",
    }.items():
        monkeypatch.setenv(name, value)
    yield made
    server.shutdown()
    server.server_close()


@dataclass
class Mesh:
    """A model that gives the expected answers, or others."""

    compound: tuple[float, float] = (0.4404, -0.5423)
    raw: bool = True
    error: grpc.StatusCode | None = None
    asked: list[Any] = field(default_factory=list)

    def infer(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.asked.append(request)
        if self.error:
            context.abort(self.error, "the model cannot")
        answer = pb.ModelInferResponse(model_name="sentiment__isvc-1")
        answer.outputs.add(name="compound", datatype="FP32", shape=[2])
        answer.outputs.add(name="label", datatype="BYTES", shape=[2])
        if self.raw:
            answer.raw_output_contents.append(np.array(self.compound, np.float32).tobytes())
            answer.raw_output_contents.append(b"\x08\0\0\0positive\x08\0\0\0negative")
        else:
            answer.outputs[0].contents.fp32_contents.extend(self.compound)
            answer.outputs[1].contents.bytes_contents.extend([b"positive", b"negative"])
        return answer


@pytest.fixture
def mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mesh]:
    made = Mesh()
    handler = grpc.unary_unary_rpc_method_handler(
        made.infer,
        pb.ModelInferRequest.FromString,
        pb.ModelInferResponse.SerializeToString,
    )
    server = grpc.server(ThreadPoolExecutor(1))
    service = grpc.method_handlers_generic_handler("inference.GRPCInferenceService", {"ModelInfer": handler})
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    (tmp_path / "service.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "golden.json").write_text(json.dumps({"words.json": PREDICTION}))
    monkeypatch.setattr(ask, "FILES", tmp_path)
    monkeypatch.setattr(ask.signal, "signal", lambda *_: None)
    monkeypatch.setenv("TARGET", f"127.0.0.1:{port}")
    yield made
    server.stop(None)


@pytest.mark.parametrize("raw", [True, False])
def test_right_answers_pass_and_the_candidate_is_gone(
    api: Api, mesh: Mesh, raw: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh.raw, mesh.compound = raw, (0.4408, -0.5423)
    api.statuses = [{}, LOADING, LOADED]
    assert ask.main() == 0, capsys.readouterr().out
    assert not api.objects
    (applied,) = api.applied
    assert applied["metadata"]["annotations"]["mode"] == "ModelMesh"
    assert applied["metadata"]["ownerReferences"] == [
        {"apiVersion": "batch/v1", "kind": "Job", "name": "job", "uid": "uid"}
    ]
    (asked,) = mesh.asked
    assert asked.model_name == "sentiment-candidate"
    assert asked.raw_input_contents == [b"\x04\0\0\0good\x03\0\0\0bad"]


def test_wrong_answers_are_listed_and_the_candidate_is_gone(
    api: Api, mesh: Mesh, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh.compound = (-0.4404, -0.5423)
    assert ask.main() == 1
    assert not api.objects
    assert capsys.readouterr().out.splitlines()[1:] == [
        "golden predictions of sentiment: 1 difference",
        "  words.json: compound[0]: expected 0.4404 ± 0.001, got -0.4404",
    ]


def test_an_error_of_the_model_is_a_difference(api: Api, mesh: Mesh, capsys: pytest.CaptureFixture[str]) -> None:
    mesh.error = grpc.StatusCode.INVALID_ARGUMENT
    assert ask.main() == 1
    assert not api.objects
    assert "words.json: the model answered INVALID_ARGUMENT: the model cannot" in capsys.readouterr().out


@pytest.mark.parametrize("reason", ["ModelLoadFailed", "InvalidPredictorSpec"])
def test_a_model_that_cannot_be_loaded_is_refused_with_the_reason(
    api: Api, mesh: Mesh, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api.statuses = [LOADING, LOADING | {"lastFailureInfo": {"reason": reason, "message": "line 2 is wrong"}}]
    assert ask.main() == 1
    assert not api.objects
    assert not mesh.asked
    assert f"the model cannot be loaded: {reason}: line 2 is wrong" in capsys.readouterr().out


@pytest.mark.usefixtures("mesh")
def test_a_mesh_that_does_not_know_the_runtime_yet_is_made_to_look_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "NUDGE_SECONDS", -1)
    failure = {"lastFailureInfo": {"reason": "NoSupportingRuntime"}}
    api.statuses = [LOADING | failure, LOADING | failure, LOADED]
    assert ask.main() == 0
    nudges = [applied["metadata"]["annotations"]["modelmesh.pulumi.com/registered-again"] for applied in api.applied]
    assert nudges == ["0", "1", "2"]


@pytest.mark.usefixtures("mesh")
def test_a_model_that_is_never_loaded_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECONDS", "0")
    api.statuses = [LOADING]
    assert ask.main() == 1
    assert not api.objects
    assert "the model is not loaded after 0 s: Loading" in capsys.readouterr().out


@pytest.mark.usefixtures("mesh")
def test_a_candidate_of_an_earlier_run_is_replaced(api: Api) -> None:
    api.objects[PATH] = MANIFEST | {"metadata": {"annotations": OWN}, "spec": {"old": True}}
    assert ask.main() == 0
    assert not api.objects


def test_what_another_update_has_created_meanwhile_stays(
    api: Api, mesh: Mesh, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """This Job is that of an update which was killed."""
    api.statuses = [LOADING]
    other = MANIFEST | {"metadata": {"annotations": OWN, "ownerReferences": [{"uid": "another"}]}}

    def update(_: float) -> None:
        api.objects[PATH] = other

    monkeypatch.setattr(ask.time, "sleep", update)
    assert ask.main() == 1
    assert api.objects == {PATH: other}
    assert not mesh.asked
    assert "another update of the stack has started" in capsys.readouterr().out


@pytest.mark.usefixtures("mesh")
def test_a_service_of_that_name_that_is_no_candidate_is_left_alone(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.objects[PATH] = MANIFEST
    assert ask.main() == 1
    assert api.objects == {PATH: MANIFEST}
    assert "InferenceService sentiment-candidate of another owner exists" in capsys.readouterr().out


@pytest.mark.usefixtures("mesh")
def test_an_api_server_that_restarts_is_asked_again_and_one_that_refuses_is_not(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.failures = [503, 429]
    assert ask.main() == 0
    api.failures = [403] * 2
    assert ask.main() == 1
    assert "the API server refuses GET sentiment-candidate" in capsys.readouterr().out


@pytest.fixture
def with_runtime(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API server of a Job with a candidate of the runtime `custom`."""
    (tmp_path / "runtime.json").write_text(json.dumps(RUNTIME))
    monkeypatch.setenv("RUNTIME", "custom")
    return api


@pytest.mark.usefixtures("mesh")
def test_the_candidate_of_a_runtime_is_there_as_long_as_the_service(with_runtime: Api) -> None:
    api = with_runtime
    api.objects[f"{RUNTIMES}/custom"] = RUNTIME
    assert ask.main() == 0
    assert api.objects == {f"{RUNTIMES}/custom": RUNTIME}
    changes = [(method, path.rpartition("/")[2]) for method, path in api.asked if method != "GET"]
    assert changes == [
        ("PATCH", "custom-candidate"), ("PATCH", "sentiment-candidate"),
        ("DELETE", "sentiment-candidate"), ("DELETE", "custom-candidate"),
    ]  # fmt: skip


@pytest.mark.usefixtures("with_runtime")
def test_the_runtime_that_answers_wrong_is_named(api: Api, mesh: Mesh, capsys: pytest.CaptureFixture[str]) -> None:
    api.objects[f"{RUNTIMES}/custom"] = RUNTIME
    mesh.compound = (9, 9)
    assert ask.main() == 1
    assert "golden predictions of sentiment on custom-candidate: 2 differences" in capsys.readouterr().out


def test_a_runtime_that_is_the_first_has_nothing_to_break(with_runtime: Api, mesh: Mesh) -> None:
    assert ask.main() == 0
    assert with_runtime.asked == [("GET", f"{RUNTIMES}/custom")]
    assert not mesh.asked


@pytest.mark.usefixtures("api", "mesh")
def test_an_image_without_the_protocol_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(ask.importlib, "import_module", missing)
    assert ask.main() == 1
    assert "has neither MLServer nor tritonclient" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("datatype", "data", "got", "within", "expected"),
    [
        ("FP32", [0.1, 0.2], np.array([0.1, 0.2], np.float32), 0, []),
        ("FP64", [1.0, 2.0], np.array([1.5, 2.25], np.float64), 0.25, ["a[0]: expected 1.0 ± 0.25, got 1.5"]),
        ("FP16", [0.1], np.array([np.nan], np.float16), 1, ["a[0]: expected 0.1 ± 1, got nan"]),
        ("INT64", [2**62], np.array([2**62 + 1], np.int64), 0, [f"a[0]: expected {2**62}, got {2**62 + 1}"]),
        ("UINT8", [0], np.array([255], np.uint8), 254, ["a[0]: expected 0 ± 254, got 255"]),
        ("BOOL", [True, False], np.array([True, True], np.bool_), 0, ["a[1]: expected False, got True"]),
        ("BYTES", ["yes"], [b"n\xff"], 0, ['a[0]: expected "yes", got "n�"']),
        ("BYTES", ["x" * 99], [b"x"], 0, [f'a[0]: expected "{"x" * 59}…, got "x"']),
    ],
)
def test_values_are_compared_by_their_type(
    datatype: str, data: list[Any], got: Any, within: float, expected: list[str]
) -> None:
    output = {"name": "a", "datatype": datatype, "shape": [len(data)], "data": data}
    answer = {"a": (datatype, [len(data)], got)}
    assert [*ask.differences(output, {"a": within} if within else {}, answer)] == expected


def test_places_are_those_of_the_shape() -> None:
    output = {"name": "a", "datatype": "INT32", "shape": [2, 2], "data": [1, 2, 3, 4]}
    got = {"a": ("INT32", [2, 2], np.array([1, 2, 9, 4], np.int32))}
    assert [*ask.differences(output, {}, got)] == ["a[1][0]: expected 3, got 9"]
    scalar = {"name": "a", "datatype": "INT32", "shape": [], "data": [1]}
    assert [*ask.differences(scalar, {}, {"a": ("INT32", [], np.array([2], np.int32))})] == ["a: expected 1, got 2"]


def test_another_datatype_shape_or_name_is_one_difference() -> None:
    output = {"name": "a", "datatype": "FP32", "shape": [1], "data": [1]}
    assert [*ask.differences(output, {}, {"a": ("FP64", [1], [1])})] == ["a: expected datatype FP32, got FP64"]
    assert [*ask.differences(output, {}, {"a": ("FP32", [2], [1, 2])})] == ["a: expected shape [1], got [2]"]
    assert [*ask.differences(output, {}, {"b": None})] == ["a: expected an output of this name, got b"]


def test_an_output_that_no_file_names_may_have_any_datatype() -> None:
    tensors = [SimpleNamespace(name=name, datatype=name, shape=[1]) for name in ("BF16", "FP32")]
    response = SimpleNamespace(outputs=tensors, raw_output_contents=[b"12", np.float32(1).tobytes()])
    got = ask.outputs(response)
    assert [*ask.differences({"name": "FP32", "datatype": "FP32", "shape": [1], "data": [1]}, {}, got)] == []
    named = {"name": "BF16", "datatype": "BF16", "shape": [1], "data": [1]}
    assert [*ask.differences(named, {}, got)] == ["BF16: expected values of BF16 as raw contents"]


@pytest.mark.usefixtures("api")
def test_many_differences_fit_into_a_pods_status(
    mesh: Mesh, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh.compound = (9, 9)
    (tmp_path / "golden.json").write_text(json.dumps({f"{n}.json": PREDICTION for n in range(50)}))
    assert ask.main() == 1
    _, headline, *lines = capsys.readouterr().out.splitlines()
    assert headline.endswith("100 differences")
    assert len(lines) == 11
    assert lines[-1] == "  … and 90 more"
