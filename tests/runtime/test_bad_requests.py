"""Requests that are not for this model: each gets a V2 error that names the tensor, what was expected and what came."""

from typing import Any

import grpc
import pytest

from tests.runtime.conftest import EXAMPLE
from tests.runtime.v2_client import V2Client

GOOD: dict[str, Any] = {"name": "text", "datatype": "BYTES", "shape": [1]}
PLAIN = GOOD | {"contents": {"bytes_contents": [b"fine"]}}
REST = GOOD | {"data": ["fine"]}

DATATYPES = (
    "'BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', "
    "'FP16', 'FP32', 'FP64' or 'BYTES'"
)

# Name of the case: (fields of the gRPC request, message).
GRPC_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "no input": ({}, 'input "text": expected exactly this one input, got none'),
    "other name": ({"inputs": [PLAIN | {"name": "txt"}]}, 'input "text": expected exactly this one input, got "txt"'),
    "two inputs": ({"inputs": [PLAIN, PLAIN]}, 'input "text": expected exactly this one input, got "text", "text"'),
    "datatype": (
        {"inputs": [GOOD | {"datatype": "FP32", "contents": {"fp32_contents": [1.0]}}]},
        'input "text": expected datatype BYTES, got FP32',
    ),
    "unknown datatype": (
        {"inputs": [PLAIN | {"datatype": "STRING"}]},
        'input "text": expected datatype BYTES, got STRING',
    ),
    "no datatype": ({"inputs": [PLAIN | {"datatype": ""}]}, 'input "text": expected datatype BYTES, got '),
    "scalar": ({"inputs": [PLAIN | {"shape": []}]}, 'input "text": expected shape [N] or [N, 1], got []'),
    "matrix": ({"inputs": [PLAIN | {"shape": [1, 2]}]}, 'input "text": expected shape [N] or [N, 1], got [1, 2]'),
    "negative": ({"inputs": [PLAIN | {"shape": [-1]}]}, 'input "text": expected shape [N] or [N, 1], got [-1]'),
    "too few": ({"inputs": [PLAIN | {"shape": [3]}]}, 'input "text": expected 3 elements for shape [3], got 1'),
    "too many": ({"inputs": [PLAIN | {"shape": [0]}]}, 'input "text": expected 0 elements for shape [0], got 1'),
    "no contents": ({"inputs": [GOOD]}, 'input "text": expected 1 elements for shape [1], got 0'),
    "not bytes": (
        {"inputs": [GOOD | {"contents": {"int_contents": [7]}}]},
        'input "text": element 0: expected a string, got int',
    ),
    "not UTF-8": (
        {"inputs": [GOOD | {"contents": {"bytes_contents": [b"abc\xff"]}}]},
        'input "text": element 0: expected UTF-8, got byte 0xff at 3',
    ),
    "content type": (
        {"inputs": [PLAIN | {"parameters": {"content_type": {"string_param": "base64"}}}]},
        'input "text": expected content_type "str" or none, got "base64"',
    ),
    "request content type": (
        {"inputs": [PLAIN], "parameters": {"content_type": {"string_param": "pd"}}},
        'request: expected content_type "str" or none, got "pd"',
    ),
    "unknown output": (
        {"inputs": [PLAIN], "outputs": [{"name": "score"}]},
        'output "score": expected one of compound, pos, neu, neg, label',
    ),
    "raw too short": (
        {"inputs": [GOOD], "raw_input_contents": [b"\x09\x00\x00\x00fine"]},
        'input "text": expected BYTES [1] in raw_input_contents, got 8 bytes that do not unpack',
    ),
    "raw of another datatype": (
        {"inputs": [GOOD | {"datatype": "FP32"}], "raw_input_contents": [b"abc"]},
        'input "text": expected FP32 [1] in raw_input_contents, got 3 bytes that do not unpack',
    ),
    "raw of an unknown datatype": (
        {"inputs": [GOOD | {"datatype": "STRING"}], "raw_input_contents": [b"abc"]},
        'input "text": expected STRING [1] in raw_input_contents, got 3 bytes that do not unpack',
    ),
    "raw for another number of inputs": (
        {"inputs": [GOOD, GOOD | {"name": "more"}], "raw_input_contents": [b""]},
        "raw_input_contents: expected one for each of 2 inputs, got 1",
    ),
    "raw and typed": (
        {"inputs": [PLAIN], "raw_input_contents": [b"\x04\x00\x00\x00fine"]},
        'input "text": expected contents typed or raw, got both',
    ),
}

# Name of the case: (body, message).
REST_CASES: dict[str, tuple[Any, str]] = {
    "no input": ({"inputs": []}, 'input "text": expected exactly this one input, got none'),
    "datatype": ({"inputs": [REST | {"datatype": "INT64"}]}, 'input "text": expected datatype BYTES, got INT64'),
    "too few": ({"inputs": [REST | {"shape": [3]}]}, 'input "text": expected 3 elements for shape [3], got 1'),
    "one string": (
        {"inputs": [REST | {"data": "fine"}]},
        'input "text": expected data to be a list of strings, got str',
    ),
    "null": ({"inputs": [REST | {"data": [None]}]}, 'input "text": element 0: expected a string, got NoneType'),
    "nested": ({"inputs": [REST | {"data": [["fine"]]}]}, 'input "text": element 0: expected a string, got list'),
    "unknown output": (
        {"inputs": [REST], "outputs": [{"name": "score"}]},
        'output "score": expected one of compound, pos, neu, neg, label',
    ),
    "no inputs field": ({}, "request inputs: Field required"),
    "no data": ({"inputs": [GOOD]}, 'input "text" data: Field required'),
    "no name": ({"inputs": [{"datatype": "BYTES", "shape": [1], "data": ["a"]}]}, "input 0 name: Field required"),
    "unknown datatype": (
        {"inputs": [REST | {"datatype": "STRING"}]},
        f"input \"text\" datatype: Input should be {DATATYPES}, got 'STRING'",
    ),
    "shape of words": (
        {"inputs": [REST | {"shape": ["one"]}]},
        "input \"text\" shape 0: Input should be a valid integer, unable to parse string as an integer, got 'one'",
    ),
}


@pytest.mark.parametrize(("fields", "message"), GRPC_CASES.values(), ids=GRPC_CASES.keys())
def test_grpc_answers_invalid_argument(client: V2Client, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.call("ModelInfer", model_name=EXAMPLE, **fields)
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INVALID_ARGUMENT, message)


@pytest.mark.parametrize(("body", "message"), REST_CASES.values(), ids=REST_CASES.keys())
def test_rest_answers_400(client: V2Client, body: Any, message: str) -> None:
    assert client.rest(f"/v2/models/{EXAMPLE}/infer", body) == (400, {"error": message})


def test_rest_body_that_is_no_json(client: V2Client) -> None:
    status, answer = client.rest(f"/v2/models/{EXAMPLE}/infer", b'{"inputs": [')
    assert status == 400
    assert answer["error"].startswith("request")


def test_unknown_model_is_not_found(client: V2Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.call("ModelInfer", model_name="nobody", inputs=[PLAIN])
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert str(caught.value.details()).startswith("Model nobody ")
    assert client.rest("/v2/models/nobody/infer", {"inputs": [REST]}) == (404, {"error": "Model nobody not found"})


def test_server_goes_on_after_all_of_them(client: V2Client) -> None:
    assert client.call("ServerReady").ready
    answer = client.call("ModelInfer", model_name=EXAMPLE, inputs=[PLAIN])
    assert list(answer.outputs[4].contents.bytes_contents) == [b"positive"]
