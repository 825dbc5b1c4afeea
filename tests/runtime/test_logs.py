"""Logs: one JSON object a line that names the model, and never what was sent."""

import json
import os
from typing import Any

import grpc
import pytest

from project.v2_client import SERVICE
from tests.runtime.conftest import EXAMPLE
from tests.runtime.server import RuntimeServer
from tests.runtime.test_bad_requests import GOOD, REST
from tests.runtime.v2_client import V2Client
from tests.runtime.ways import WAYS, packed

MARKER = "marked-payload-4711"
MARKED = MARKER.encode()
GRPC: list[dict[str, Any]] = [
    {"inputs": [GOOD | {"contents": {"bytes_contents": [MARKED + b"\xff"]}}]},
    {"inputs": [GOOD | {"contents": {"bytes_contents": [MARKED] * 2}}]},
    {"inputs": [GOOD | {"datatype": "FP32", "contents": {"bytes_contents": [MARKED]}}]},
    {"inputs": [GOOD | {"name": "other", "contents": {"bytes_contents": [MARKED]}}]},
    {"inputs": [GOOD], "raw_input_contents": [MARKED]},
    {"inputs": [GOOD], "raw_input_contents": [packed([MARKER, MARKER])]},
    {"inputs": [GOOD], "raw_input_contents": [packed([MARKER])[:-1] + b"\xff"]},
    {"inputs": [GOOD | {"datatype": MARKER[:6]}], "raw_input_contents": [MARKED]},
]
REST_BODIES: list[Any] = [
    {"inputs": [REST | {"data": MARKER}]},
    {"inputs": [REST | {"data": {MARKER: MARKER}}]},
    {"inputs": [REST | {"data": [MARKER, MARKER]}]},
    {"inputs": [REST | {"data": [[MARKER]]}]},
    {"inputs": [{"data": [MARKER]}]},
    {"inputs": MARKER},
    f'{{"inputs": ["{MARKER}'.encode(),
    MARKED,
]


def log_since(server: RuntimeServer, start: int) -> str:
    return server.log.read_bytes()[start:].decode()


def test_every_line_is_a_json_object(server: RuntimeServer) -> None:
    lines = server.log.read_text().splitlines()
    assert lines
    for line in lines:
        assert {"time", "level", "logger", "message"} <= json.loads(line).keys()


def test_what_is_no_utf_8_is_told_in_json_too(server: RuntimeServer, model: str) -> None:
    adapted = server.lay_out(model, {"LICENSE.txt": b"", "model-settings.json": b"{}"})
    (adapted / os.fsdecode(b"\xff.txt")).touch()
    start = server.log.stat().st_size
    with pytest.raises(grpc.RpcError):
        server.load(model)
    lines = [json.loads(line) for line in log_since(server, start).splitlines()]
    assert any("\\udcff.txt" in line["message"] for line in lines)


def test_a_load_is_told_with_its_model(server: RuntimeServer, model: str) -> None:
    start = server.log.stat().st_size
    server.lay_out(model, {"finance.txt": b"bull\t3.0\n"})
    server.load(model)
    lines = [json.loads(line) for line in log_since(server, start).splitlines()]
    assert [(line["level"], line["model"]) for line in lines if line["message"].startswith("loaded ")] == [
        ("INFO", model)
    ]


def test_good_requests_leave_no_line(server: RuntimeServer, client: V2Client) -> None:
    start = server.log.stat().st_size
    for ask in WAYS:
        ask(client, EXAMPLE, [MARKER])
    assert log_since(server, start) == ""


@pytest.mark.parametrize("fields", GRPC, ids=range(len(GRPC)))
def test_a_bad_request_over_grpc_is_a_warning_without_what_it_held(
    server: RuntimeServer, client: V2Client, fields: dict[str, Any]
) -> None:
    start = server.log.stat().st_size
    with pytest.raises(grpc.RpcError) as caught:
        client.call("ModelInfer", model_name=EXAMPLE, **fields)
    (line,) = log_since(server, start).splitlines()
    assert MARKER not in line
    assert MARKER not in str(caught.value.details())
    said = json.loads(line)
    assert (said["level"], said["message"]) == ("WARNING", caught.value.details())
    assert "traceback" not in said


@pytest.mark.parametrize("body", REST_BODIES, ids=range(len(REST_BODIES)))
def test_a_bad_request_over_rest_is_not_told_to_the_log(server: RuntimeServer, client: V2Client, body: Any) -> None:
    start = server.log.stat().st_size
    assert client.rest(f"/v2/models/{EXAMPLE}/infer", body)[0] == 400
    assert MARKER not in log_since(server, start)


def test_what_is_no_message_is_not_told_to_the_log(server: RuntimeServer, client: V2Client) -> None:
    start = server.log.stat().st_size
    with pytest.raises(grpc.RpcError):
        client.send_bytes(f"/{SERVICE}/ModelInfer", MARKED)
    assert MARKER not in log_since(server, start)
