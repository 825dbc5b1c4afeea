"""What a model's class gets wrong: one exact message for each mistake, in a declaration or in an answer."""

import json
import subprocess
import textwrap
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
import numpy
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.grpc.service_pb2 import ModelInferResponse

from project.environments import venv_for
from project.model_server import BASE
from tests.runtime.server import RUNTIME, RuntimeServer

PROBE = Path(__file__).with_name("probe")
VENV = venv_for(RUNTIME / "requirements.txt")
FP32 = "-3.4028235e+38 to 3.4028235e+38"
NAMES = '"number", "small", "score", "label", "flag"'
INT64 = "-9223372036854775808 to 9223372036854775807"

WRONG_ANSWERS = {
    "None": "outputs: expected a dict of values by output, or a list of ResponseOutputs, got NoneType",
    "an array alone": "outputs: expected a dict of values by output, or a list of ResponseOutputs, got ndarray",
    "a list of arrays": "outputs: expected a dict of values by output, or a list of ResponseOutputs, got list",
    "a response": "outputs: expected a dict of values by output, or a list of ResponseOutputs, got InferenceResponse",
    "a generator": "outputs: expected a dict of values by output, or a list of ResponseOutputs, got generator",
    "nothing": f"outputs: expected {NAMES}, got none",
    "one missing": f'outputs: expected {NAMES}, got "number", "small", "score", "flag"',
    "one more": f'outputs: expected {NAMES}, got {NAMES}, "extra"',
    "another name": f'outputs: expected {NAMES}, got "number", "small", "score", "flag", "labels"',
    "a float for an integer": 'output "number": expected INT64, got float64',
    "a float array for an integer": 'output "number": expected INT64, got float32',
    "a truth for an integer": 'output "number": expected INT64, got bool',
    "an integer for a truth": 'output "flag": expected BOOL, got int64',
    "a text for a number": 'output "number": expected INT64, got <U1',
    "None for a number": 'output "score": expected FP32, got object',
    "too large for INT8": 'output "small": element 1: expected INT8, -128 to 127',
    "too large for any integer": f'output "number": element 1: expected INT64, {INT64}',
    "too large for FP32": f'output "score": element 2: expected FP32, {FP32}',
    "another count": 'output "number": expected N = 2 as in input "rows", got shape [3]',
    "one value for a list": 'output "number": expected shape [N], got []',
    "a column": 'output "number": expected shape [N], got [2, 1]',
    "flat rows": 'output "score": expected shape [N, 2], got [4]',
    "ragged rows": 'output "score": expected rows of the same size',
    "rows of another size": 'output "score": expected shape [N, 2], got [2, 3]',
    "a number for a text": 'output "label": element 1: expected a text or bytes, got int',
    "one text for a list": 'output "label": expected a list of texts or bytes, got str',
    "nested texts": 'output "label": element 0: expected a text or bytes, got list',
    "an object": 'output "number": expected INT64, got object',
}
RIGHT_ANSWERS = (
    "lists", "arrays", "array scalars", "not contiguous", "bytes", "objects", "integers for floats", "NaN and infinity",
)  # fmt: skip
FORMS = (
    'expected a tuple of sizes and names such as ("N", 3)',
    "expected a Datatype such as Datatype.FP32",
)
WRONG_DECLARATIONS = {
    'Tensor(name="", datatype=FP32, shape=("N",))': "Tensor '': name: expected a text, got ''",
    'Tensor(name=7, datatype=FP32, shape=("N",))': "Tensor '7': name: expected a text, got 7",
    'Tensor(name="x", datatype="FP32", shape=("N",))': f"Tensor 'x': datatype: {FORMS[1]}, got 'FP32'",
    'Tensor(name="x", datatype=float, shape=("N",))': f"Tensor 'x': datatype: {FORMS[1]}, got <class 'float'>",
    'Tensor(name="x", datatype=FP32, shape=(-1, 3))': f"Tensor 'x': shape: {FORMS[0]}, got (-1, 3)",
    'Tensor(name="x", datatype=FP32, shape=("N", 0))': f"Tensor 'x': shape: {FORMS[0]}, got ('N', 0)",
    'Tensor(name="x", datatype=FP32, shape=("N", 2.0))': f"Tensor 'x': shape: {FORMS[0]}, got ('N', 2.0)",
    'Tensor(name="x", datatype=FP32, shape=("N", ""))': f"Tensor 'x': shape: {FORMS[0]}, got ('N', '')",
    'Tensor(name="x", datatype=FP32, shape=("N"))': f"Tensor 'x': shape: {FORMS[0]}, got 'N'",
    'Tensor(name="x", datatype=FP32, shape=(3,), content_type="str")': (
        "Tensor 'x': content_type: expected 'str' for BYTES only, got FP32"
    ),
    "class Mine(Model): INPUTS = (X)": (
        "Mine.INPUTS: expected a tuple of Tensors, got Tensor; a comma is missing after it"
    ),
    "class Mine(Model): OUTPUTS = X": (
        "Mine.OUTPUTS: expected a tuple of Tensors, got Tensor; a comma is missing after it"
    ),
    'class Mine(Model): INPUTS = (X, "y")': "Mine.INPUTS: expected Tensors, got str",
    "class Mine(Model): INPUTS = (X, X)": "Mine.INPUTS: expected different names, got 'x' twice",
    "class Mine(Model): OUTPUTS = (OPTIONAL,)": "Mine.OUTPUTS: expected no optional tensors, got 'x'",
    "class Mine(Model):\n async def _predict_outputs(self, payload): ...": (
        "Mine._predict_outputs: expected def, got async def; it runs in a thread"
    ),
    "class Mine(Model):\n async def _load_model_from_file(self, file_uri): ...": (
        "Mine._load_model_from_file: expected def, got async def; it runs in a thread"
    ),
    "class Mine(Model):\n async def load(self): ...": (
        "Mine.load: expected _load_model_from_file instead, which load calls"
    ),
    "class Mine(Model):\n async def predict(self, payload): ...": (
        "Mine.predict: expected _predict_outputs instead, which predict calls"
    ),
}
DECLARING = """
    import json, sys
    from modelmesh_runtime import CustomMLModel as Model, Datatype, Tensor
    FP32 = Datatype.FP32
    X, OPTIONAL = (Tensor(name="x", datatype=FP32, shape=("N",), optional=optional) for optional in (False, True))
    def told(code):
        try:
            exec(code)
        except ValueError as error:
            return str(error)
    print(json.dumps([told(code) for code in json.load(sys.stdin)]))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeServer]:
    with running(tmp_path_factory.mktemp("answers"), "AnswersModel", b"") as server:
        yield server


class running:  # noqa: N801  (reads like a function)
    """A server of one of the probe's classes, with the model `probe` loaded."""

    def __init__(self, folder: Path, implementation: str, file: bytes) -> None:
        self._server, self._file = (
            RuntimeServer(
                VENV, folder, PYTHONPATH=str(PROBE), MLSERVER_MODEL_IMPLEMENTATION=f"answers_model.{implementation}"
            ),
            file,
        )

    def __enter__(self) -> RuntimeServer:
        try:
            self._server.wait_until_live()
            self._server.lay_out("probe", {"file": self._file})
            self._server.load("probe")
        except BaseException:
            self._server.stop()
            raise
        return self._server

    def __exit__(self, *_: object) -> None:
        self._server.stop()


def asked(case: str) -> list[dict[str, Any]]:
    return [
        {"name": "case", "datatype": "BYTES", "shape": [1], "data": [case]},
        {"name": "rows", "datatype": "FP32", "shape": [2], "data": [1, 2]},
    ]


def by_grpc(server: RuntimeServer, case: str) -> Any:
    inputs = [
        {"name": "case", "datatype": "BYTES", "shape": [1], "contents": {"bytes_contents": [case.encode()]}},
        {"name": "rows", "datatype": "FP32", "shape": [2], "contents": {"fp32_contents": [1, 2]}},
    ]
    return server.client.call("ModelInfer", model_name="probe", inputs=inputs)


@pytest.mark.parametrize(("case", "reason"), WRONG_ANSWERS.items(), ids=WRONG_ANSWERS.keys())
def test_a_wrong_answer_gets_the_same_message_over_both_protocols(
    server: RuntimeServer, case: str, reason: str
) -> None:
    message = f"Model probe failed: {reason}"
    with pytest.raises(grpc.RpcError) as caught:
        by_grpc(server, case)
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INTERNAL, message)
    assert server.client.rest("/v2/models/probe/infer", {"inputs": asked(case)}) == (500, {"error": message})
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert {(each["level"], each.get("model")) for each in lines if each["message"] == message} >= {("ERROR", "probe")}


@pytest.mark.parametrize("case", RIGHT_ANSWERS)
def test_a_right_answer_is_the_same_in_every_form(server: RuntimeServer, case: str) -> None:
    answer = {each.name: each for each in by_grpc(server, case).outputs}
    status, body = server.client.rest("/v2/models/probe/infer", {"inputs": asked(case)})
    assert status == 200
    rest = {each["name"]: each for each in body["outputs"]}
    assert {name: [*each.shape] for name, each in answer.items()} == {name: rest[name]["shape"] for name in rest}
    assert [*answer["number"].contents.int64_contents] == rest["number"]["data"]
    assert [each.decode() for each in answer["label"].contents.bytes_contents] == rest["label"]["data"] == ["a", "b"]
    assert (rest["flag"]["shape"], rest["flag"]["data"]) == ([], [True])
    if case == "NaN and infinity":
        assert rest["score"]["data"] == [None, None, 0, 1]
        assert [str(each) for each in answer["score"].contents.fp32_contents] == ["nan", "inf", "0.0", "1.0"]


def test_a_wrong_declaration_is_told_when_the_class_is_defined() -> None:
    ran = subprocess.run(
        [VENV / "bin/python", "-c", textwrap.dedent(DECLARING)], input=json.dumps([*WRONG_DECLARATIONS]),
        capture_output=True, text=True, env={"PYTHONPATH": str(BASE)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert dict(zip(WRONG_DECLARATIONS, json.loads(ran.stdout), strict=True)) == WRONG_DECLARATIONS


NO_TEXTS = """
from modelmesh_runtime import Datatype, Tensor
from modelmesh_runtime.outputs import output_of
tensor = Tensor(name="y", datatype=Datatype.BYTES, shape=("N", "M"))
print(output_of(tensor, [], None, {"N": (0, "x"), "M": (3, "x")}).shape)
"""


def test_no_rows_of_texts_have_the_size_of_the_request() -> None:
    command = [str(VENV / "bin/python"), "-c", NO_TEXTS]
    ran = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(BASE)})
    assert (ran.stdout, ran.returncode) == ("[0, 3]\n", 0), ran.stderr


def test_an_optional_input_may_be_omitted_and_a_finite_one_has_no_nan(server: RuntimeServer) -> None:
    case, rows = asked("lists")
    assert server.client.rest("/v2/models/probe/infer", {"inputs": [case]})[0] == 200
    told = server.client.rest("/v2/models/probe/infer", {"inputs": [case, rows | {"data": [1, None]}]})
    assert told == (400, {"error": f'input "rows": element 1: expected a finite FP32, {FP32}'})
    told = server.client.rest("/v2/models/probe/infer", {"inputs": [rows]})
    assert told == (400, {"error": 'inputs: expected "case" and optionally "rows", got "rows"'})


def test_a_fraction_is_a_parameter_over_both_protocols(server: RuntimeServer) -> None:
    tensors = [InferInput("case", [1], "BYTES"), InferInput("rows", [2], "FP32")]
    tensors[0].set_data_from_numpy(numpy.array([b"temperature"], object))
    tensors[1].set_data_from_numpy(numpy.ones(2, numpy.float32))
    with InferenceServerClient(server.client.grpc_address) as client:
        answer = client.infer("probe", tensors, parameters={"temperature": 0.7})
    assert answer.as_numpy("score").tolist() == numpy.full((2, 2), 0.7, numpy.float32).tolist()
    body = {"inputs": asked("temperature"), "parameters": {"temperature": 0.5}}
    assert server.client.rest("/v2/models/probe/infer", body)[1]["outputs"][2]["data"] == [0.5] * 4


def test_a_fraction_is_a_parameter_of_an_answer_over_grpc() -> None:
    code = """
        from mlserver.types import InferenceResponse, Parameters
        from modelmesh_runtime.codec import ResponseConverter
        response = InferenceResponse(model_name="x", outputs=[], parameters=Parameters(cost=0.25, rows=7, note="x"))
        print(ResponseConverter.from_types(response).SerializeToString().hex())
    """
    ran = subprocess.run(
        [VENV / "bin/python", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(BASE)},
    )
    assert ran.returncode == 0, ran.stderr
    parameters = ModelInferResponse.FromString(bytes.fromhex(ran.stdout)).parameters
    assert (parameters["cost"].double_param, parameters["rows"].int64_param) == (0.25, 7)


def test_metrics_of_the_models_code_are_served_until_it_is_unloaded(server: RuntimeServer) -> None:
    by_grpc(server, "lists")
    server.lay_out("another", {"file": b""})
    server.load("another")

    def metrics() -> str:
        with urlopen(server.metrics_url, timeout=10) as answer:  # noqa: S310  (the server's own)
            return str(answer.read().decode())

    assert 'probe_loaded_count{model_name="probe",model_version=""} 1.0' in metrics()
    assert 'probe_asked_count{model_name="probe"' in metrics()
    assert 'probe_loaded_count{model_name="another"' in metrics()
    server.client.call("RepositoryModelUnload", model_name="another")
    assert "another" not in metrics()


def test_a_models_file_may_determine_its_tensors(tmp_path: Path) -> None:
    with running(tmp_path, "DeclaredModel", b"3") as server:
        _, metadata = server.client.rest("/v2/models/probe")
        assert [each["shape"] for each in metadata["inputs"]] == [[-1, 3], [-1]]
        assert_binary_tensors(server)
        assert_content_types(server)
        server.lay_out("large", {"file": b"2097153"})
        with pytest.raises(grpc.RpcError) as caught:
            server.load("large")
        assert "a request has at least 4194370 bytes, expected at most 4194304; MLSERVER_GRPC" in str(
            caught.value.details()
        )
        server.lay_out("wrong", {"file": b"0"})
        with pytest.raises(grpc.RpcError) as caught:
            server.load("wrong")
        message = f"Model wrong cannot be loaded: Tensor 'row': shape: {FORMS[0]}, got ('N', 0)"
        assert caught.value.details() == message
        assert server.client.rest("/v2/repository/models/wrong/load", {}) == (422, {"error": message})


def assert_binary_tensors(server: RuntimeServer) -> None:
    """As tritonclient sends them by default over HTTP, and gets them back."""
    row, blob = bytes.fromhex("003c00400042"), b"\x04\0\0\0AP8="
    tensors = [
        {"name": "row", "datatype": "FP16", "shape": [1, 3], "parameters": {"binary_data_size": len(row)}},
        {"name": "blob", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(blob)}},
    ]
    head = json.dumps({"inputs": tensors, "parameters": {"binary_data_output": True}}).encode()
    status, headers, body = posted(server, head + row + blob, len(head))
    size = int(headers["Inference-Header-Content-Length"])
    assert (status, body[size:]) == (200, row + blob)
    assert [each["parameters"]["binary_data_size"] for each in json.loads(body[:size])["outputs"]] == [6, 8]
    outputs = [{"name": "row"}, {"name": "blob", "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": tensors, "outputs": outputs}).encode()
    status, headers, body = posted(server, head + row + blob, len(head))
    answer = json.loads(body[: int(headers["Inference-Header-Content-Length"])])
    assert answer["outputs"][0]["data"] == [1.0, 2.0, 3.0]
    assert body.endswith(blob)
    assert refused(server, head + row, len(head)) == (
        "inputs: expected the binary_data_size values to add up to the 6 bytes after the JSON, got 14"
    )
    assert refused(server, head, 10**6).startswith("Inference-Header-Content-Length: expected at most the")
    wrong = [tensors[0] | {"parameters": {"binary_data_size": 5}}, tensors[1]]
    head = json.dumps({"inputs": wrong}).encode()
    assert refused(server, head + row[:5] + blob, len(head)) == (
        'input "row": expected FP16 [1, 3] in raw_input_contents, got 5 bytes that do not match'
    )


def assert_content_types(server: RuntimeServer) -> None:
    """Base64 is decoded before the model's code and encoded after it; null is NaN."""
    inputs: list[dict[str, Any]] = [
        {"name": "row", "datatype": "FP16", "shape": [1, 3], "data": [[1, 2, None]]},
        {"name": "blob", "datatype": "BYTES", "shape": [1], "data": ["AP8="]},
    ]
    status, answer = server.client.rest(
        "/v2/models/probe/infer", {"inputs": inputs, "parameters": {"content_type": "pd"}}
    )
    assert (status, [each["data"] for each in answer["outputs"]]) == (200, [[1.0, 2.0, None], ["AP8="]])
    told = server.client.rest("/v2/models/probe/infer", {"inputs": [inputs[0], inputs[1] | {"data": ["?"]}]})
    assert told == (400, {"error": 'input "blob": element 0: expected base64'})


def posted(server: RuntimeServer, body: bytes, json_bytes: int) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", server.client.http_port, timeout=30)
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(json_bytes)}
    try:
        connection.request("POST", "/v2/models/probe/infer", body, headers)
        answer = connection.getresponse()
        return answer.status, {name.title(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def refused(server: RuntimeServer, body: bytes, json_bytes: int) -> str:
    status, _, answer = posted(server, body, json_bytes)
    assert status == 400, answer
    return str(json.loads(answer)["error"])
