"""The rules of the Open Inference Protocol (V2), each tried over REST and over gRPC with the same request."""

import json
import math
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any, NamedTuple, Protocol

import grpc
import pytest

from tests.runtime.conftest import EXAMPLE
from tests.runtime.server import RuntimeServer
from tests.runtime.v2_client import V2Client
from tests.runtime.ways import package_scores, packed, unpacked

NAMES = ["compound", "pos", "neu", "neg", "label"]
TEXTS = ["good", "bad", "so so"]
LABELS = ["positive", "negative", "neutral"]
# A parameter of every kind that the protocol has.
PARAMETERS: dict[str, Any] = {"priority": 3, "trace": True, "caller": "tests"}
KINDS = {int: "int64_param", bool: "bool_param", str: "string_param"}


class Tensor(NamedTuple):
    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class Answer(NamedTuple):
    model: str
    id: str
    outputs: list[Tensor]


class Refused(Exception):  # noqa: N818  (it is an answer)
    """The kind of an error, one of "invalid" and "not found", and its message."""


class Protocols(Protocol):
    def live(self) -> bool: ...
    def ready(self) -> bool: ...
    def model_ready(self, model: str, version: str = "") -> bool: ...
    def server_metadata(self) -> dict[str, Any]: ...
    def model_metadata(self, model: str) -> dict[str, Any]: ...
    def infer(self, request: dict[str, Any], model: str = EXAMPLE, version: str = "") -> Answer: ...


class Rest:
    def __init__(self, client: V2Client) -> None:
        self._client = client

    def live(self) -> bool:
        return self._client.rest("/v2/health/live")[0] == 200

    def ready(self) -> bool:
        return self._client.rest("/v2/health/ready")[0] == 200

    def model_ready(self, model: str, version: str = "") -> bool:
        self._get(f"{_path(model, version)}/ready")
        return True

    def server_metadata(self) -> dict[str, Any]:
        return dict(self._get("/v2"))

    def model_metadata(self, model: str) -> dict[str, Any]:
        return dict(self._get(_path(model)))

    def infer(self, request: dict[str, Any], model: str = EXAMPLE, version: str = "") -> Answer:
        answer = self._get(f"{_path(model, version)}/infer", request)
        outputs = [Tensor(each["name"], each["datatype"], each["shape"], each["data"]) for each in answer["outputs"]]
        return Answer(answer["model_name"], answer["id"], outputs)

    def _get(self, path: str, body: Any = None) -> Any:
        status, answer = self._client.rest(path, body)
        if status != 200:
            assert list(answer) == ["error"], answer
            raise Refused({400: "invalid", 404: "not found"}[status], answer["error"])
        return answer


class Grpc:
    def __init__(self, client: V2Client) -> None:
        self._client = client

    def live(self) -> bool:
        return bool(self._client.call("ServerLive").live)

    def ready(self) -> bool:
        return bool(self._client.call("ServerReady").ready)

    def model_ready(self, model: str, version: str = "") -> bool:
        return bool(self._call("ModelReady", name=model, version=version).ready)

    def server_metadata(self) -> dict[str, Any]:
        found = self._call("ServerMetadata")
        return {"name": found.name, "version": found.version, "extensions": [*found.extensions]}

    def model_metadata(self, model: str) -> dict[str, Any]:
        found = self._call("ModelMetadata", name=model)
        tensors = {
            kind: [
                {
                    "name": each.name, "datatype": each.datatype, "shape": [*each.shape],
                } | _parameters(each)
                for each in getattr(found, kind)
            ]
            for kind in ("inputs", "outputs")
        }  # fmt: skip
        named = {"name": found.name, "platform": found.platform, "versions": [*found.versions]}
        return named | tensors | _parameters(found)

    def infer(self, request: dict[str, Any], model: str = EXAMPLE, version: str = "") -> Answer:
        inputs = [
            _typed_parameters(each) | {"contents": {"bytes_contents": [text.encode() for text in each["data"]]}}
            for each in request["inputs"]
        ]
        fields = {"inputs": inputs, "outputs": [_typed_parameters(each) for each in request.get("outputs", [])]}
        answer = self._call(
            "ModelInfer", model_name=model, model_version=version, **_typed_parameters(request) | fields
        )
        outputs = [
            Tensor(
                each.name, each.datatype, [*each.shape],
                [label.decode() for label in each.contents.bytes_contents]
                if each.datatype == "BYTES" else [*each.contents.fp32_contents],
            )
            for each in answer.outputs
        ]  # fmt: skip
        return Answer(answer.model_name, answer.id, outputs)

    def _call(self, method: str, **fields: Any) -> Any:
        try:
            return self._client.call(method, **fields)
        except grpc.RpcError as error:
            kinds = {grpc.StatusCode.INVALID_ARGUMENT: "invalid", grpc.StatusCode.NOT_FOUND: "not found"}
            raise Refused(kinds[error.code()], error.details()) from error


def _path(model: str, version: str = "") -> str:
    return f"/v2/models/{model}" + (f"/versions/{version}" if version else "")


def _parameters(message: Any) -> dict[str, Any]:
    found = {name: getattr(each, each.WhichOneof("parameter_choice")) for name, each in message.parameters.items()}
    return {"parameters": found} if found else {}


def _typed_parameters(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields without data, and with parameters in the form that gRPC gives them."""
    others = {name: value for name, value in fields.items() if name not in ("data", "parameters")}
    given = {name: {KINDS[type(value)]: value} for name, value in fields.get("parameters", {}).items()}
    return others | {"parameters": given}


@pytest.fixture(params=[Rest, Grpc])
def v2(request: pytest.FixtureRequest, client: V2Client) -> Protocols:
    protocol: Protocols = request.param(client)
    return protocol


def texts(data: list[str], **fields: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [len(data)], "data": data}]} | fields


def test_server_and_model_are_live_and_ready(v2: Protocols) -> None:
    assert v2.live()
    assert v2.ready()
    assert v2.model_ready(EXAMPLE)


def test_server_metadata_names_the_server_its_version_and_extensions(v2: Protocols) -> None:
    assert v2.server_metadata() == {"name": "mlserver", "version": "1.7.1", "extensions": []}


def test_model_metadata_declares_the_tensors(v2: Protocols) -> None:
    text = {"datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "str"}}
    score = {"datatype": "FP32", "shape": [-1]}
    assert v2.model_metadata(EXAMPLE) == {
        "name": EXAMPLE,
        "platform": "vader_lexicon",
        "versions": [],
        "inputs": [{"name": "text"} | text],
        "outputs": [*({"name": name} | score for name in NAMES[:4]), {"name": "label"} | text],
        "parameters": {"lexicon": "vaderSentiment", "lexicon_version": "3.3.2"},
    }


def test_model_metadata_without_a_manifest_names_no_lexicon(v2: Protocols, server: RuntimeServer, model: str) -> None:
    server.lay_out(model, {"finance.txt": b"bull\t3.0\n"})
    server.load(model)
    assert not v2.model_metadata(model).get("parameters")


def test_scores_are_the_models(v2: Protocols) -> None:
    outputs = v2.infer(texts(TEXTS)).outputs
    assert outputs[4].data == LABELS
    for output, name in zip(outputs[:4], NAMES, strict=False):
        assert [round(score, 4) for score in output.data] == [row[name] for row in package_scores(TEXTS)]


def test_answer_names_the_model(v2: Protocols) -> None:
    assert v2.infer(texts(TEXTS)).model == EXAMPLE


@pytest.mark.parametrize("id_", ["42", "", "a b/c?d=é😁", "x" * 1000])
def test_id_is_echoed(v2: Protocols, id_: str) -> None:
    assert v2.infer(texts(TEXTS, id=id_)).id == id_


@pytest.mark.parametrize("asked", [None, []])
def test_all_outputs_come_in_the_order_of_the_metadata_where_none_is_asked_for(
    v2: Protocols, asked: list[Any] | None
) -> None:
    request = texts(TEXTS) | ({} if asked is None else {"outputs": asked})
    assert [output.name for output in v2.infer(request).outputs] == NAMES


@pytest.mark.parametrize("asked", [["label"], ["neg", "pos"], NAMES[::-1], ["label", "label"]], ids=",".join)
def test_outputs_come_as_asked_for(v2: Protocols, asked: list[str]) -> None:
    outputs = v2.infer(texts(TEXTS, outputs=[{"name": name} for name in asked])).outputs
    assert [output.name for output in outputs] == asked
    assert all(output.data == LABELS for output in outputs if output.name == "label")


def test_parameters_that_a_model_does_not_know_change_nothing(v2: Protocols) -> None:
    request = texts(TEXTS, parameters=PARAMETERS, outputs=[{"name": "label", "parameters": PARAMETERS}])
    request["inputs"][0]["parameters"] = PARAMETERS | {"content_type": "str"}
    assert v2.infer(request).outputs == v2.infer(texts(TEXTS, outputs=[{"name": "label"}])).outputs


@pytest.mark.parametrize("count", [0, 1, 3, 1000])
def test_outputs_are_what_the_metadata_declares(v2: Protocols, count: int) -> None:
    declared = v2.model_metadata(EXAMPLE)["outputs"]
    for output, tensor in zip(v2.infer(texts(["fine"] * count)).outputs, declared, strict=True):
        assert (output.name, output.datatype) == (tensor["name"], tensor["datatype"])
        assert output.shape == [count if size == -1 else size for size in tensor["shape"]]
        assert len(output.data) == math.prod(output.shape)


def test_versions_are_none_and_none_may_be_asked_for(v2: Protocols) -> None:
    assert v2.model_metadata(EXAMPLE)["versions"] == []
    with pytest.raises(Refused) as refused:
        v2.infer(texts(TEXTS), version="3.3.2")
    assert refused.value.args == ("not found", f"Model {EXAMPLE} with version 3.3.2 not found")


def test_a_version_of_the_settings_may_be_asked_for(v2: Protocols, server: RuntimeServer, model: str) -> None:
    settings = b'{"parameters": {"uri": "finance.txt", "version": "2"}}'
    server.lay_out(model, {"finance.txt": b"bull\t3.0\n", "model-settings.json": settings})
    server.load(model)
    assert v2.model_ready(model, "2")
    assert v2.infer(texts(["bull"]), model, "2").outputs[4].data == ["positive"]
    with pytest.raises(Refused):
        v2.model_ready(model, "1")


def test_what_is_not_there_is_not_found(v2: Protocols) -> None:
    asked: list[Callable[[], Any]] = [
        lambda: v2.model_ready("nobody"),
        lambda: v2.model_metadata("nobody"),
        lambda: v2.infer(texts(TEXTS), "nobody"),
    ]
    for ask in asked:
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.args == ("not found", "Model nobody not found")


def test_what_is_wrong_is_invalid_and_told(v2: Protocols) -> None:
    with pytest.raises(Refused) as refused:
        v2.infer(texts(TEXTS, outputs=[{"name": "score"}]))
    assert refused.value.args == ("invalid", 'output "score": expected one of compound, pos, neu, neg, label')


def test_raw_contents_get_raw_contents_and_typed_get_typed(client: V2Client) -> None:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(TEXTS)]}
    raw = client.call("ModelInfer", model_name=EXAMPLE, inputs=[tensor], raw_input_contents=[packed(TEXTS)])
    assert len(raw.raw_output_contents) == len(raw.outputs) == len(NAMES)
    assert not any(output.HasField("contents") for output in raw.outputs)
    assert [len(each) for each in raw.raw_output_contents[:4]] == [4 * len(TEXTS)] * 4
    assert [label.decode() for label in unpacked(raw.raw_output_contents[4])] == LABELS

    contents = {"bytes_contents": [text.encode() for text in TEXTS]}
    typed = client.call("ModelInfer", model_name=EXAMPLE, inputs=[tensor | {"contents": contents}])
    assert not typed.raw_output_contents
    assert [len(output.contents.fp32_contents) for output in typed.outputs[:4]] == [len(TEXTS)] * 4


def test_raw_outputs_come_as_asked_for(client: V2Client) -> None:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(TEXTS)]}
    outputs = [{"name": "label"}, {"name": "pos"}]
    answer = client.call(
        "ModelInfer", model_name=EXAMPLE, inputs=[tensor], outputs=outputs, raw_input_contents=[packed(TEXTS)]
    )
    assert [output.name for output in answer.outputs] == ["label", "pos"]
    assert [label.decode() for label in unpacked(answer.raw_output_contents[0])] == LABELS
    assert len(answer.raw_output_contents[1]) == 4 * len(TEXTS)


def test_a_stream_answers_like_a_call(client: V2Client) -> None:
    contents = {"bytes_contents": [text.encode() for text in TEXTS]}
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(TEXTS)], "contents": contents}
    request = client.message("ModelInferRequest", model_name=EXAMPLE, id="7", inputs=[tensor])
    assert client.stream([request]) == [client.send("ModelInfer", request)]


def test_a_stream_over_rest_answers_like_a_call(client: V2Client) -> None:
    connection = HTTPConnection("127.0.0.1", client.http_port, timeout=30)
    try:
        body = json.dumps(texts(TEXTS, id="7"))
        connection.request("POST", f"/v2/models/{EXAMPLE}/infer_stream", body, {"Content-Type": "application/json"})
        answer = connection.getresponse().read().decode()
    finally:
        connection.close()
    (event,) = answer.removesuffix("\n\n").split("\n\n")
    assert [each["name"] for each in json.loads(event.removeprefix("data: "))["outputs"]] == NAMES


def test_the_index_tells_each_models_state(client: V2Client) -> None:
    (over_grpc,) = (each for each in client.call("RepositoryIndex").models if each.name == EXAMPLE)
    _, models = client.rest("/v2/repository/index", {})
    (over_rest,) = (each for each in models if each["name"] == EXAMPLE)
    assert over_grpc.state == over_rest["state"] == "READY"
