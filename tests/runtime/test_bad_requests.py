"""Requests that are not for this model: each gets a V2 error that names the tensor, what was expected and what came."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from project.v2_client import SERVICE
from tests.runtime.conftest import EXAMPLE
from tests.runtime.server import RuntimeServer
from tests.runtime.v2_client import V2Client
from tests.runtime.ways import packed, typed

GOOD: dict[str, Any] = {"name": "text", "datatype": "BYTES", "shape": [1]}
PLAIN = GOOD | {"contents": {"bytes_contents": [b"fine"]}}
REST = GOOD | {"data": ["fine"]}
INFER = f"/v2/models/{EXAMPLE}/infer"
MAX = 2**63 - 1

DATATYPES = (
    "'BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', "
    "'FP16', 'FP32', 'FP64' or 'BYTES'"
)
TOO_LARGE = "Unable to parse input string as an integer, exceeded maximum size"
NO_OBJECT = "Input should be a valid dictionary or object to extract fields from"


def raw(contents: bytes, **fields: Any) -> dict[str, Any]:
    return {"inputs": [GOOD | fields], "raw_input_contents": [contents]}


# Name of the case: (fields of the gRPC request, message).
GRPC_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "no input": ({}, 'inputs: expected "text", got none'),
    "other name": ({"inputs": [PLAIN | {"name": "txt"}]}, 'inputs: expected "text", got "txt"'),
    "no name": ({"inputs": [PLAIN | {"name": ""}]}, 'inputs: expected "text", got ""'),
    "long name": (
        {"inputs": [PLAIN | {"name": "x" * 1000}]},
        f'inputs: expected "text", got "{"x" * 79} …',
    ),
    "two inputs": ({"inputs": [PLAIN, PLAIN]}, 'inputs: expected "text", got "text", "text"'),
    "two inputs, raw": (
        {"inputs": [GOOD, GOOD], "raw_input_contents": [packed(["a"]), packed(["b"])]},
        'inputs: expected "text", got "text", "text"',
    ),
    "one more": ({"inputs": [PLAIN, PLAIN | {"name": "b"}]}, 'inputs: expected "text", got "text", "b"'),
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
    "least int64": (
        {"inputs": [PLAIN | {"shape": [-MAX - 1]}]},
        f'input "text": expected shape [N] or [N, 1], got [{-MAX - 1}]',
    ),
    "greatest int64": (
        {"inputs": [PLAIN | {"shape": [MAX]}]},
        f'input "text": expected {MAX} elements for shape [{MAX}], got 1',
    ),
    "shape whose product overflows": (
        {"inputs": [PLAIN | {"shape": [MAX, MAX]}]},
        f'input "text": expected shape [N] or [N, 1], got [{MAX}, {MAX}]',
    ),
    "shape whose product overflows to the right number": (
        {"inputs": [PLAIN | {"shape": [2**62, 4, 1]}]},
        f'input "text": expected shape [N] or [N, 1], got [{2**62}, 4, 1]',
    ),
    "ten thousand dimensions": (
        {"inputs": [PLAIN | {"shape": [1] * 10_000}]},
        'input "text": expected at most 32 dimensions, got 10000',
    ),
    "too few": ({"inputs": [PLAIN | {"shape": [3]}]}, 'input "text": expected 3 elements for shape [3], got 1'),
    "too many": ({"inputs": [PLAIN | {"shape": [0]}]}, 'input "text": expected 0 elements for shape [0], got 1'),
    "no contents": ({"inputs": [GOOD]}, 'input "text": expected 1 elements for shape [1], got 0'),
    "contents of another datatype": (
        {"inputs": [GOOD | {"contents": {"int_contents": [7]}}]},
        'input "text": expected bytes_contents for BYTES, got int_contents',
    ),
    "contents of two datatypes": (
        {"inputs": [GOOD | {"contents": {"bytes_contents": [b"a"], "bool_contents": [True]}}]},
        'input "text": expected contents of one kind, got bool_contents, bytes_contents',
    ),
    "not UTF-8": (
        {"inputs": [GOOD | {"contents": {"bytes_contents": [b"abc\xff"]}}]},
        'input "text": element 0: expected UTF-8, got byte 0xff at 3',
    ),
    "a surrogate": (
        {"inputs": [GOOD | {"shape": [2], "contents": {"bytes_contents": [b"a", b"\xed\xa0\x80"]}}]},
        'input "text": element 1: expected UTF-8, got byte 0xed at 0',
    ),
    "cut within a character": (
        {"inputs": [GOOD | {"contents": {"bytes_contents": ["😁".encode()[:3]]}}]},
        'input "text": element 0: expected UTF-8, got byte 0xf0 at 0',
    ),
    "content type": (
        {"inputs": [PLAIN | {"parameters": {"content_type": {"string_param": "base64"}}}]},
        'input "text": expected content_type "str" or none, got "base64"',
    ),
    "request content type": (
        {"inputs": [PLAIN], "parameters": {"content_type": {"string_param": "json"}}},
        'request: expected content_type "str" or none, got "json"',
    ),
    "content type that is a number": (
        {"inputs": [PLAIN | {"parameters": {"content_type": {"int64_param": 7}}}]},
        'input "text": parameters that the protocol does not have',
    ),
    "headers that are none": (
        {"inputs": [PLAIN], "parameters": {"headers": {"bool_param": True}}},
        "request: parameters that the protocol does not have",
    ),
    "unknown output": (
        {"inputs": [PLAIN], "outputs": [{"name": "score"}]},
        'output "score": expected one of compound, pos, neu, neg, label',
    ),
    "known and unknown output": (
        {"inputs": [PLAIN], "outputs": [{"name": "label"}, {"name": ""}]},
        'output "": expected one of compound, pos, neu, neg, label',
    ),
    "raw too short": (
        raw(b"\x09\x00\x00\x00fine"),
        'input "text": expected BYTES [1] in raw_input_contents, got 8 bytes that do not match',
    ),
    "raw cut in the length": (
        raw(packed(["fine"]) + b"\x04\x00", shape=[2]),
        'input "text": expected BYTES [2] in raw_input_contents, got 10 bytes that do not match',
    ),
    "raw with a byte too many": (
        raw(packed(["fine"]) + b"\x00"),
        'input "text": expected BYTES [1] in raw_input_contents, got 9 bytes that do not match',
    ),
    "raw with a length of -1": (
        raw(b"\xff\xff\xff\xfffine"),
        'input "text": expected BYTES [1] in raw_input_contents, got 8 bytes that do not match',
    ),
    "raw with a length of 2 GB": (
        raw(b"\xff\xff\xff\x7ffine"),
        'input "text": expected BYTES [1] in raw_input_contents, got 8 bytes that do not match',
    ),
    "raw with an element too many": (
        raw(packed(["fine", "fine"])),
        'input "text": expected 1 elements for shape [1], got 2',
    ),
    "raw that is empty": (raw(b""), 'input "text": expected 1 elements for shape [1], got 0'),
    "raw that is not UTF-8": (
        raw(b"\x02\x00\x00\x00\xc3("),
        'input "text": element 0: expected UTF-8, got byte 0xc3 at 0',
    ),
    "raw of another datatype": (
        raw(b"abc", datatype="FP32"),
        'input "text": expected FP32 [1] in raw_input_contents, got 3 bytes that do not match',
    ),
    "raw of a shape whose product overflows": (
        raw(b"abcd", datatype="FP32", shape=[MAX, MAX]),
        'input "text": expected datatype BYTES, got FP32',
    ),
    "raw of a negative shape": (
        raw(b"abcd", datatype="FP32", shape=[-1, -1]),
        'input "text": expected datatype BYTES, got FP32',
    ),
    "raw of a shape as long as a message": (
        raw(b"", datatype="FP32", shape=[MAX] * 400_000),
        'input "text": expected at most 32 dimensions, got 400000',
    ),
    "raw of a part of an element": (
        raw(b"abcde", datatype="FP32"),
        'input "text": expected FP32 [1] in raw_input_contents, got 5 bytes that do not match',
    ),
    "parameters of all inputs together": (
        {"inputs": [{"parameters": {str(number): {} for number in range(100)}}] * 11},
        "parameters: expected at most 1024 in a request, got 1100",
    ),
    "inputs without end": ({"inputs": [{}] * 1_000_000}, "inputs: expected at most 1024, got more"),
    "outputs without end": (
        {"inputs": [PLAIN], "outputs": [{"name": "label"}] * 100_000},
        "outputs: expected at most 1024, got more",
    ),
    "an output many times": (
        {"inputs": [PLAIN], "outputs": [{"name": "label"}] * 1000},
        "outputs: expected at most 5, got 1000",
    ),
    "raw of an unknown datatype": (
        raw(b"abc", datatype="STRING"),
        'input "text": expected STRING [1] in raw_input_contents, got 3 bytes that do not match',
    ),
    "raw for another number of inputs": (
        {"inputs": [GOOD, GOOD | {"name": "more"}], "raw_input_contents": [b""]},
        "raw_input_contents: expected one for each of 2 inputs, got 1",
    ),
    "raw without inputs": (
        {"raw_input_contents": [b""]},
        "raw_input_contents: expected one for each of 0 inputs, got 1",
    ),
    "raw and typed": (
        {"inputs": [PLAIN], "raw_input_contents": [b"\x04\x00\x00\x00fine"]},
        'input "text": expected contents typed or raw, got both',
    ),
}

# Name of the case: (body, message).
REST_CASES: dict[str, tuple[Any, str]] = {
    "no input": ({"inputs": []}, 'inputs: expected "text", got none'),
    "two inputs": ({"inputs": [REST, REST]}, 'inputs: expected "text", got "text", "text"'),
    "datatype": ({"inputs": [REST | {"datatype": "INT64"}]}, 'input "text": expected datatype BYTES, got INT64'),
    "too few": ({"inputs": [REST | {"shape": [3]}]}, 'input "text": expected 3 elements for shape [3], got 1'),
    "negative": (
        {"inputs": [REST | {"shape": [-1]}]},
        'input "text": expected shape [N] or [N, 1], got [-1]',
    ),
    "greatest int64": (
        {"inputs": [REST | {"shape": [MAX]}]},
        f'input "text": expected {MAX} elements for shape [{MAX}], got 1',
    ),
    "shape beyond int64": (
        b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [18446744073709551616], "data": ["a"]}]}',
        f'input "text" shape 0: {TOO_LARGE}, got 1.8446744073709552e+19',
    ),
    "shape of many digits": (
        {"inputs": [REST | {"shape": ["9" * 4300]}]},
        f'input "text": expected shape [N] or [N, 1], got [{"9" * 79} …',
    ),
    "shape of words": (
        {"inputs": [REST | {"shape": ["one"]}]},
        "input \"text\" shape 0: Input should be a valid integer, unable to parse string as an integer, got 'one'",
    ),
    "shape of fractions": (
        {"inputs": [REST | {"shape": [1.5]}]},
        'input "text" shape 0: Input should be a valid integer, got a number with a fractional part, got 1.5',
    ),
    "shape that is none": (
        {"inputs": [REST | {"shape": 1}]},
        'input "text" shape: Input should be a valid list, got 1',
    ),
    "one string": (
        {"inputs": [REST | {"data": "fine"}]},
        'input "text": expected data to be a list, got str',
    ),
    "data that is an object": (
        {"inputs": [REST | {"data": {"0": "fine"}}]},
        'input "text": expected data to be a list, got dict',
    ),
    "data that is null": (
        {"inputs": [REST | {"data": None}]},
        'input "text": expected data to be a list, got NoneType',
    ),
    "null": ({"inputs": [REST | {"data": [None]}]}, 'input "text": element 0: expected a string, got NoneType'),
    "number": (
        {"inputs": [REST | {"shape": [2], "data": ["a", 7]}]},
        'input "text": element 1: expected a string, got int',
    ),
    "nested": ({"inputs": [REST | {"data": [["fine"]]}]}, 'input "text": element 0: expected a string, got list'),
    "nested 900 deep": (
        b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": %s%s}]}' % (b"[" * 900, b"]" * 900),
        'input "text": element 0: expected a string, got list',
    ),
    "rows of other sizes than the shape says": (
        {"inputs": [REST | {"shape": [2, 1], "data": [["a", "b"], []]}]},
        'input "text": expected rows of 1 for shape [2, 1], got one of 2',
    ),
    "a name that is none": (
        {"inputs": [REST | {"name": ["n" * 1000]}]},
        f'input "[\'{"n" * 78} …" name: Input should be a valid string',
    ),
    "an output many times": (
        {"inputs": [REST], "outputs": [{"name": "label"}] * 1000},
        "outputs: expected at most 5, got 1000",
    ),
    "unknown output": (
        {"inputs": [REST], "outputs": [{"name": "score"}]},
        'output "score": expected one of compound, pos, neu, neg, label',
    ),
    "outputs by name only": ({"inputs": [REST], "outputs": ["label"]}, f"output 0: {NO_OBJECT}, got 'label'"),
    "content type": (
        {"inputs": [REST | {"parameters": {"content_type": "base64"}}]},
        'input "text": expected content_type "str" or none, got "base64"',
    ),
    "content type that is a number": (
        {"inputs": [REST | {"parameters": {"content_type": 7}}]},
        'input "text" parameters content_type: Input should be a valid string, got 7',
    ),
    "parameters without end": (
        {"inputs": [REST | {"parameters": {str(number): 1 for number in range(1025)}}]},
        "parameters: expected at most 1024 in a request, got 1025",
    ),
    "parameters that are a list": ({"inputs": [REST], "parameters": []}, f"request parameters: {NO_OBJECT}"),
    "id that is a number": ({"id": 7, "inputs": [REST]}, "request id: Input should be a valid string, got 7"),
    "no inputs field": ({}, "request inputs: Field required"),
    "inputs that are an object": ({"inputs": REST}, "request inputs: Input should be a valid list"),
    "an input that is a string": ({"inputs": ["fine"]}, f"input 0: {NO_OBJECT}, got 'fine'"),
    "no data": ({"inputs": [GOOD]}, 'input "text" data: Field required'),
    "no name": ({"inputs": [{"datatype": "BYTES", "shape": [1], "data": ["a"]}]}, "input 0 name: Field required"),
    "unknown datatype": (
        {"inputs": [REST | {"datatype": "STRING"}]},
        f"input \"text\" datatype: Input should be {DATATYPES}, got 'STRING'",
    ),
    "a list": ([REST], f"request: {NO_OBJECT}"),
    "a number": (b"7", f"request: {NO_OBJECT}, got 7"),
    "null alone": (b"null", "request: expected a JSON body, got none"),
    "nothing": (b"", "request: expected a JSON body, got none"),
    "NaN": (
        b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [NaN]}]}',
        "request: expected JSON, got something else at character 73",
    ),
    "Infinity": (
        b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [-Infinity], "data": ["a"]}]}',
        "request: expected JSON, got something else at character 61",
    ),
    "cut off": (b'{"inputs": [', "request: expected JSON, got something else at character 12"),
    "two bodies": (b"{} {}", "request: expected JSON, got something else at character 3"),
    "not UTF-8": (b'{"inputs": ["\xff"]}', "request: expected JSON, got something else at character 0"),
    "half a character": (
        b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["\\ud83d"]}]}',
        "request: expected JSON, got something else at character 74",
    ),
    "nested 200,000 deep": (b"[" * 200_000, "request: expected JSON, got something else at character 1025"),
}

JSON_TYPE = {"Content-Type": "application/json"}
LIMIT = "MLSERVER_GRPC_MAX_MESSAGE_LENGTH sets the limit, in a stack by the key modelmesh:maxMessageBytes"
BODY = json.dumps({"inputs": [REST]}).encode()
GZIP = JSON_TYPE | {"Content-Encoding": "gzip"}
NO_BODY = f"POST {INFER}: There was an error parsing the body"
LOAD = "/v2/repository/models"

# Name of the case: ((method, path, body, headers), status, message).
HTTP_CASES: dict[str, tuple[tuple[str, str, bytes | None, dict[str, str]], int, str]] = {
    "GET": (("GET", INFER, None, {}), 405, f"GET {INFER}: Method Not Allowed"),
    "PUT": (("PUT", INFER, BODY, JSON_TYPE), 405, f"PUT {INFER}: Method Not Allowed"),
    "an unknown method": (("SCORE", INFER, BODY, JSON_TYPE), 405, f"SCORE {INFER}: Method Not Allowed"),
    "an unknown path": (("POST", "/v2/infer", BODY, JSON_TYPE), 404, "POST /v2/infer: Not Found"),
    "another version of the protocol": (("GET", "/v1/models", None, {}), 404, "GET /v1/models: Not Found"),
    "plain text": (
        ("POST", INFER, b"fine", {"Content-Type": "text/plain"}),
        400,
        "request: expected content type application/json, got text/plain",
    ),
    "a form": (
        ("POST", INFER, b"text=fine", {"Content-Type": "application/x-www-form-urlencoded"}),
        400,
        "request: expected content type application/json, got application/x-www-form-urlencoded",
    ),
    "binary data": (
        ("POST", INFER, BODY, {"Content-Type": "application/octet-stream"}),
        400,
        "request: expected content type application/json, got application/octet-stream",
    ),
    "gzip that is none": (("POST", INFER, BODY, GZIP), 400, NO_BODY),
    "gzip that is cut off": (("POST", INFER, gzip.compress(BODY)[:-12], GZIP), 400, NO_BODY),
    "gzip of another sum": (("POST", INFER, gzip.compress(BODY)[:-8] + bytes(8), GZIP), 400, NO_BODY),
    "gzip of more than a message may hold": (
        ("POST", INFER, gzip.compress(BODY + b" " * (64 * 2**20), 1), GZIP),
        413,
        f"POST {INFER}: expected at most {32 * 2**20} bytes; {LIMIT}",
    ),
    "more than a message may hold": (
        ("POST", INFER, BODY + b" " * (32 * 2**20), JSON_TYPE),
        413,
        f"POST {INFER}: expected at most {32 * 2**20} bytes; {LIMIT}",
    ),
    "a host that is none": (("GET", "/v2/nothing", None, {"Host": "["}), 404, "GET /v2/nothing: Not Found"),
    "half of the body": (
        ("POST", INFER, BODY, JSON_TYPE | {"Content-Length": "5"}),
        400,
        "request: expected JSON, got something else at character 5",
    ),
    "an unknown model": (("POST", "/v2/models/nobody/infer", BODY, JSON_TYPE), 404, "Model nobody not found"),
    "an unknown version": (
        ("POST", f"/v2/models/{EXAMPLE}/versions/7/infer", BODY, JSON_TYPE),
        404,
        f"Model {EXAMPLE} with version 7 not found",
    ),
    "a model with a NUL": (("POST", "/v2/models/a%00b/infer", BODY, JSON_TYPE), 404, "Model a\x00b not found"),
    "a stream for an unknown model": (
        ("POST", "/v2/models/nobody/infer_stream", BODY, JSON_TYPE),
        404,
        "Model nobody not found",
    ),
    "a stream with a bad request": (
        ("POST", f"/v2/models/{EXAMPLE}/infer_stream", b'{"inputs": []}', JSON_TYPE),
        400,
        'inputs: expected "text", got none',
    ),
    "readiness of an unknown model": (("GET", "/v2/models/nobody/ready", None, {}), 404, "Model nobody not found"),
    "metadata of an unknown model": (("GET", "/v2/models/nobody", None, {}), 404, "Model nobody not found"),
    "loading an unknown model": (("POST", f"{LOAD}/nobody/load", b"", JSON_TYPE), 404, "Model nobody not found"),
    "loading a name longer than any file's": (
        ("POST", f"{LOAD}/{'x' * 300}/load", b"", JSON_TYPE),
        404,
        f"Model {'x' * 300} not found",
    ),
    "loading a path": (
        ("POST", f"{LOAD}/..%2f..%2fetc/load", b"", JSON_TYPE),
        404,
        f"POST {LOAD}/../../etc/load: Not Found",
    ),
    "unloading an unknown model": (("POST", f"{LOAD}/nobody/unload", b"", JSON_TYPE), 404, "Model nobody not found"),
    "an index of nothing": (("POST", "/v2/repository/index", b"[]", JSON_TYPE), 400, f"request: {NO_OBJECT}"),
}

# Name of the case: (method, fields, code, message).
RPC_CASES: dict[str, tuple[str, dict[str, Any], grpc.StatusCode, str]] = {
    "unknown model": (
        "ModelInfer", {"model_name": "nobody", "inputs": [PLAIN]},
        grpc.StatusCode.NOT_FOUND, "Model nobody not found",
    ),
    "no model": ("ModelInfer", {"inputs": [PLAIN]}, grpc.StatusCode.NOT_FOUND, "Model  not found"),
    "unknown version": (
        "ModelInfer", {"model_name": EXAMPLE, "model_version": "7", "inputs": [PLAIN]},
        grpc.StatusCode.NOT_FOUND, f"Model {EXAMPLE} with version 7 not found",
    ),
    "oversized message": (
        "ModelInfer", {"model_name": EXAMPLE, "inputs": [typed(["x" * 5_000_000])]},
        grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER: Received message larger than max (5000068 vs. 4194304)",
    ),
    "readiness of an unknown model": (
        "ModelReady", {"name": "nobody"}, grpc.StatusCode.NOT_FOUND, "Model nobody not found",
    ),
    "readiness of an unknown version": (
        "ModelReady", {"name": EXAMPLE, "version": "7"},
        grpc.StatusCode.NOT_FOUND, f"Model {EXAMPLE} with version 7 not found",
    ),
    "metadata of an unknown model": (
        "ModelMetadata", {"name": "nobody"}, grpc.StatusCode.NOT_FOUND, "Model nobody not found",
    ),
    "loading an unknown model": (
        "RepositoryModelLoad", {"model_name": "nobody"}, grpc.StatusCode.NOT_FOUND, "Model nobody not found",
    ),
    "loading a name longer than any file's": (
        "RepositoryModelLoad", {"model_name": "x" * 300}, grpc.StatusCode.NOT_FOUND, f"Model {'x' * 300} not found",
    ),
    "a name that no status can hold": (
        "ModelInfer", {"model_name": "x" * 100_000}, grpc.StatusCode.NOT_FOUND, f"Model {'x' * 1994} …",
    ),
    "unloading a name that no status can hold": (
        "RepositoryModelUnload", {"model_name": "é" * 100_000}, grpc.StatusCode.NOT_FOUND, f"Model {'é' * 997} …",
    ),
    "unloading an unknown model": (
        "RepositoryModelUnload", {"model_name": "nobody"}, grpc.StatusCode.NOT_FOUND, "Model nobody not found",
    ),
}  # fmt: skip

NO_MESSAGE = "request: expected a protobuf message of the V2 protocol"

# Name of the case: (path, bytes, code, message).
BYTES_CASES: dict[str, tuple[str, bytes, grpc.StatusCode, str]] = {
    "no message": (f"/{SERVICE}/ModelInfer", b"\xff\xff\xff\xff", grpc.StatusCode.INVALID_ARGUMENT, NO_MESSAGE),
    "cut message": (f"/{SERVICE}/ModelInfer", b"\x0a\x7fmodel", grpc.StatusCode.INVALID_ARGUMENT, NO_MESSAGE),
    "name that is not UTF-8": (
        f"/{SERVICE}/ModelInfer", b"\x0a\x02\xff\xfe", grpc.StatusCode.INVALID_ARGUMENT, NO_MESSAGE,
    ),
    "no message to load": (
        f"/{SERVICE}/RepositoryModelLoad", b"\x08", grpc.StatusCode.INVALID_ARGUMENT, NO_MESSAGE,
    ),
    "unknown method": (f"/{SERVICE}/ModelScore", b"", grpc.StatusCode.UNIMPLEMENTED, "Method not found!"),
    "unknown service": ("/inference.Scores/ModelInfer", b"", grpc.StatusCode.UNIMPLEMENTED, "Method not found!"),
}  # fmt: skip

# Name of the case: (the requests of a stream, code, message).
STREAM_CASES: dict[str, tuple[list[dict[str, Any]], grpc.StatusCode, str]] = {
    "nothing": ([], grpc.StatusCode.INVALID_ARGUMENT, "request: expected at least one, got the end of the stream"),
    "no input": ([{}], grpc.StatusCode.INVALID_ARGUMENT, 'inputs: expected "text", got none'),
    "raw too short": (
        [raw(b"\x09")],
        grpc.StatusCode.INVALID_ARGUMENT,
        'input "text": expected BYTES [1] in raw_input_contents, got 1 bytes that do not match',
    ),
    "unknown model": (
        [{"model_name": "nobody", "inputs": [PLAIN]}], grpc.StatusCode.NOT_FOUND, "Model nobody not found",
    ),
}  # fmt: skip


def refusal(caught: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[grpc.StatusCode, str | None]:
    return caught.value.code(), caught.value.details()


@pytest.mark.parametrize(("fields", "message"), GRPC_CASES.values(), ids=GRPC_CASES.keys())
def test_grpc_answers_invalid_argument(client: V2Client, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.call("ModelInfer", model_name=EXAMPLE, **fields)
    assert refusal(caught) == (grpc.StatusCode.INVALID_ARGUMENT, message)


@pytest.mark.parametrize(("body", "message"), REST_CASES.values(), ids=REST_CASES.keys())
def test_rest_answers_400(client: V2Client, body: Any, message: str) -> None:
    assert client.rest(INFER, body) == (400, {"error": message})


@pytest.mark.parametrize(("request_", "status", "message"), HTTP_CASES.values(), ids=HTTP_CASES.keys())
def test_what_is_no_request_for_scores_over_rest(client: V2Client, request_: Any, status: int, message: str) -> None:
    assert client.http(*request_) == (status, {"error": message})


@pytest.mark.parametrize(("method", "fields", "code", "message"), RPC_CASES.values(), ids=RPC_CASES.keys())
def test_what_cannot_be_done_over_grpc(
    client: V2Client, method: str, fields: dict[str, Any], code: grpc.StatusCode, message: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.call(method, **fields)
    assert refusal(caught) == (code, message)


@pytest.mark.parametrize(("path", "data", "code", "message"), BYTES_CASES.values(), ids=BYTES_CASES.keys())
def test_what_is_no_message_at_all(
    client: V2Client, path: str, data: bytes, code: grpc.StatusCode, message: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.send_bytes(path, data)
    assert refusal(caught) == (code, message)


@pytest.mark.parametrize(("requests", "code", "message"), STREAM_CASES.values(), ids=STREAM_CASES.keys())
def test_bad_requests_in_a_stream(
    client: V2Client, requests: list[dict[str, Any]], code: grpc.StatusCode, message: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.stream(client.message("ModelInferRequest", **{"model_name": EXAMPLE} | fields) for fields in requests)
    assert refusal(caught) == (code, message)


LISTS = b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [%s]}]}'
# Name of the case: (the call, the most MiB that it may take).
LARGE_CASES: dict[str, tuple[Callable[[V2Client], Any], int]] = {
    "empty inputs": (lambda client: client.send_bytes(f"/{SERVICE}/ModelInfer", b"\x2a\0" * 2**20), 25),
    "empty inputs of a stream": (
        lambda client: client.stream([client.message("ModelInferRequest", inputs=[{}] * 2**20)]), 25,
    ),
    "empty outputs": (lambda client: client.send_bytes(f"/{SERVICE}/ModelInfer", b"\x32\0" * 2**20), 25),
    "empty raw contents": (lambda client: client.send_bytes(f"/{SERVICE}/ModelInfer", b"\x3a\0" * 2**20), 25),
    "empty lists": (lambda client: client.rest(INFER, LISTS % b",".join([b"[]"] * 2**23)), 130),
    "lists in lists": (lambda client: client.rest(INFER, LISTS % b",".join([b"[[[[[[]]]]]]"] * 2**21)), 130),
    "lists to be streamed": (lambda client: client.rest(f"{INFER}_stream", LISTS % b",".join([b"[]"] * 2**23)), 130),
    "empty inputs in JSON": (lambda client: client.rest(INFER, b'{"inputs": [%s]}' % b",".join([b"{}"] * 50_000)), 25),
    "empty dimensions in JSON": (
        lambda client: client.rest(INFER, b'{"inputs": [{"shape": [%s]}]}' % b",".join([b'""'] * 50_000)), 25,
    ),
    "objects": (lambda client: client.rest(INFER, LISTS % b",".join([b'{"a":1}'] * 2**21)), 130),
}  # fmt: skip


@pytest.mark.parametrize(("call", "most"), LARGE_CASES.values(), ids=LARGE_CASES.keys())
def test_a_large_request_is_refused_before_it_takes_much_memory(
    server: RuntimeServer, call: Callable[[V2Client], Any], most: int
) -> None:
    process = Path(f"/proc/{server.process.pid}")
    (process / "clear_refs").write_text("5")  # the peak begins at the present size
    before = kibibytes(process, "VmRSS")
    assert refused(call, server.client) in (400, 413, grpc.StatusCode.INVALID_ARGUMENT)
    assert kibibytes(process, "VmHWM") - before < most * 1024


def test_punctuation_in_a_text_counts_as_text_only(client: V2Client) -> None:
    text = '{"k":"v"},[' * 300_000
    status, answer = client.rest(INFER, {"inputs": [REST | {"data": [text]}]})
    assert (status, len(answer["outputs"])) == (200, 5)


def refused(call: Callable[[V2Client], Any], client: V2Client) -> Any:
    """Status of a call over either protocol."""
    try:
        return call(client)[0]
    except grpc.RpcError as error:
        return error.code()


def kibibytes(process: Path, name: str) -> int:
    (size,) = re.findall(rf"^{name}:\s+(\d+) kB$", (process / "status").read_text(), re.MULTILINE)
    return int(size)


def test_none_of_them_is_the_servers_own_failure() -> None:
    codes = {code for *_, code, _ in [*RPC_CASES.values(), *BYTES_CASES.values(), *STREAM_CASES.values()]}
    assert not codes & {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
    assert all(400 <= status < 500 for *_, status, _ in HTTP_CASES.values())


def test_server_goes_on_after_all_of_them(client: V2Client) -> None:
    assert client.call("ServerReady").ready
    answer = client.call("ModelInfer", model_name=EXAMPLE, inputs=[PLAIN])
    assert list(answer.outputs[4].contents.bytes_contents) == [b"positive"]
