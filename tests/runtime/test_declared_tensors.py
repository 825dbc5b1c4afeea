"""What a model that declares its tensors gets for it, shown by one with tensors of every kind: probe/probe_model.py."""

import gzip
import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
import pytest

from project.environments import venv_for
from tests.runtime.server import RUNTIME, RuntimeServer
from tests.runtime.v2_client import V2Client

PROBE = Path(__file__).with_name("probe")
MODEL = "probe"
PAYLOAD = "marked-payload"

IDS: dict[str, Any] = {"name": "ids", "datatype": "INT8", "shape": [2], "data": [1, -2]}
WEIGHTS: dict[str, Any] = {"name": "weights", "datatype": "FP32", "shape": [2, 2], "data": [0.5, 1.0, 2, 4.0]}
FLAG: dict[str, Any] = {"name": "flag", "datatype": "BOOL", "shape": [1], "data": [True]}
BLOBS: dict[str, Any] = {"name": "blobs", "datatype": "BYTES", "shape": [2], "data": ["a", "bcd"]}
GOOD = (IDS, WEIGHTS, FLAG, BLOBS)
ANSWER = {
    "sums": [2.5, 4.0], "weights": [0.5, 1.0, 2.0, 4.0], "sizes": [1, 3], "flag": [True], "blobs": ["a", "bcd"],
}  # fmt: skip
FIELDS = {
    "INT8": "int_contents", "FP32": "fp32_contents", "BOOL": "bool_contents", "BYTES": "bytes_contents",
    "FP64": "fp64_contents", "UINT64": "uint64_contents",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeServer]:
    server = RuntimeServer(
        venv_for(RUNTIME / "requirements.txt"),
        tmp_path_factory.mktemp("probe"),
        PYTHONPATH=f"{PROBE}",
        MLSERVER_MODEL_IMPLEMENTATION="probe_model.ProbeModel",
        # As in a stack, where the mesh has the limit.
        MLSERVER_GRPC_MAX_MESSAGE_LENGTH="-1",
    )
    try:
        server.wait_until_live()
        lay_out(server, MODEL)
        server.load(MODEL)
        yield server
    finally:
        code = server.stop()
    assert code == 0, server.log.read_text()


@pytest.fixture(scope="module")
def client(server: RuntimeServer) -> V2Client:
    return server.client


def lay_out(server: RuntimeServer, model: str, load: str = "fine") -> Path:
    return server.lay_out(model, {"probe.json": json.dumps({"load": load}).encode()})


def changed(name: str, **fields: Any) -> list[dict[str, Any]]:
    return [tensor | fields if tensor["name"] == name else tensor for tensor in GOOD]


def typed(tensors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def one(tensor: dict[str, Any]) -> dict[str, Any]:
        data = [each.encode() if isinstance(each, str) else each for each in tensor["data"]]
        named = {key: value for key, value in tensor.items() if key != "data"}
        return named | {"contents": {FIELDS[tensor["datatype"]]: data}}

    return [one(tensor) for tensor in tensors]


def refusal(client: V2Client, tensors: list[dict[str, Any]]) -> str:
    status, answer = client.rest(f"/v2/models/{MODEL}/infer", {"inputs": tensors})
    assert status == 400, answer
    return str(answer["error"])


def grpc_error(client: V2Client, **fields: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        client.call("ModelInfer", model_name=MODEL, **fields)
    return caught.value.code(), caught.value.details() or ""


def test_every_kind_of_tensor_over_rest(client: V2Client) -> None:
    status, answer = client.rest(f"/v2/models/{MODEL}/infer", {"inputs": GOOD})
    assert status == 200
    assert {each["name"]: each["data"] for each in answer["outputs"]} == ANSWER
    assert [each["shape"] for each in answer["outputs"]] == [[2], [2, 2], [2], [1], [2]]


def test_every_kind_of_tensor_over_grpc(client: V2Client) -> None:
    answer = client.call("ModelInfer", model_name=MODEL, inputs=typed([*GOOD]))
    found = {each.name: list(getattr(each.contents, FIELDS[each.datatype])) for each in answer.outputs}
    assert found == ANSWER | {"blobs": [b"a", b"bcd"]}


def test_raw_contents_get_raw_contents(client: V2Client) -> None:
    named = [{key: value for key, value in tensor.items() if key != "data"} for tensor in GOOD]
    blobs = b"".join(struct.pack("<I", len(blob)) + blob for blob in (b"a", b"bcd"))
    raw = [struct.pack("<2b", 1, -2), struct.pack("<4f", 0.5, 1, 2, 4), b"\x01", blobs]
    answer = client.call("ModelInfer", model_name=MODEL, inputs=named, raw_input_contents=raw)
    assert list(answer.raw_output_contents) == [
        struct.pack("<2d", 2.5, 4), struct.pack("<4f", 0.5, 1, 2, 4), struct.pack("<2Q", 1, 3), b"\x01", blobs,
    ]  # fmt: skip
    assert not any(output.HasField("contents") for output in answer.outputs)


def test_inputs_may_come_in_any_order_and_nested_as_their_shape_is(client: V2Client) -> None:
    nested = [*reversed(changed("weights", data=[[0.5, 1.0], [2, 4.0]]))]
    status, answer = client.rest(f"/v2/models/{MODEL}/infer", {"inputs": nested, "outputs": [{"name": "sums"}]})
    assert (status, [(each["name"], each["data"]) for each in answer["outputs"]]) == (200, [("sums", [2.5, 4.0])])


REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "one is missing": (
        [*GOOD[1:]],
        'inputs: expected "ids", "weights", "flag", "blobs", got "weights", "flag", "blobs"',
    ),
    "too large for INT8": (changed("ids", data=[1, 128]), 'input "ids": element 1: expected INT8, -128 to 127'),
    "a fraction": (changed("ids", data=[1, 2.0]), 'input "ids": element 1: expected INT8, got float'),
    "a truth for a number": (changed("ids", data=[True, 2]), 'input "ids": element 0: expected INT8, got bool'),
    "a number for a truth": (changed("flag", data=[1]), 'input "flag": element 0: expected BOOL, got int'),
    "a text for a number": (
        changed("weights", data=[1, 2, "3", 4]),
        'input "weights": element 2: expected FP32, got str',
    ),
    "a number for bytes": (changed("blobs", data=["a", 7]), 'input "blobs": element 1: expected a string, got int'),
    "another N": (
        changed("weights", shape=[3, 2], data=[0.5] * 6),
        'input "weights": expected N = 2 as in input "ids", got shape [3, 2]',
    ),
    "another fixed size": (changed("weights", shape=[2, 1]), 'input "weights": expected shape [N, 2], got [2, 1]'),
    "another rank": (changed("weights", shape=[4]), 'input "weights": expected shape [N, 2], got [4]'),
    "sizes of many digits": (
        [WEIGHTS | {"shape": ["9" * 4300, 2]}, IDS, FLAG, BLOBS],
        f'input "weights": expected shape [N, 2], got [{"9" * 79} …',
    ),
    "ragged rows": (
        changed("weights", data=[[0.5], [1.0, 2, 4.0]]),
        'input "weights": expected rows of 2 for shape [2, 2], got one of 1',
    ),
    "nested one level short": (
        changed("weights", data=[[0.5], 1.0, 2.0, 4.0]),
        'input "weights": element 0: expected FP32, got list',
    ),
    "too large for FP32": (
        changed("weights", data=[1, 2, 1e39, 4]),
        'input "weights": element 2: expected FP32, -3.4028235e+38 to 3.4028235e+38',
    ),
    "another content type": (
        changed("ids", parameters={"content_type": "str"}),
        'input "ids": expected content_type "np" or none, got "str"',
    ),
    "base64 that is none": (
        changed("blobs", parameters={"content_type": "base64"}, data=["YQ==", "?"]),
        'input "blobs": element 1: expected base64',
    ),
    "a content type where none is declared": (
        changed("blobs", parameters={"content_type": "str"}),
        'input "blobs": expected no content_type, got "str"',
    ),
}


@pytest.mark.parametrize(("tensors", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusal_names_the_tensor_the_expected_and_the_given(
    client: V2Client, tensors: list[dict[str, Any]], message: str
) -> None:
    assert refusal(client, tensors) == message


def test_declared_content_type_is_taken(client: V2Client) -> None:
    tensors = changed("ids", parameters={"content_type": "np"})
    assert client.rest(f"/v2/models/{MODEL}/infer", {"inputs": tensors})[0] == 200


def test_number_out_of_its_datatypes_range_is_refused_over_grpc_too(client: V2Client) -> None:
    expected = (grpc.StatusCode.INVALID_ARGUMENT, 'input "ids": element 0: expected INT8, -128 to 127')
    assert grpc_error(client, inputs=typed(changed("ids", data=[300, 1]))) == expected


def test_failure_of_the_models_own_code_tells_the_caller_its_class_and_the_log_where(
    server: RuntimeServer, client: V2Client
) -> None:
    failing = changed("ids", data=[13, 1])
    reason = "Model probe failed: RuntimeError; see the server's log"
    assert grpc_error(client, inputs=typed(failing)) == (grpc.StatusCode.INTERNAL, reason)
    assert client.rest(f"/v2/models/{MODEL}/infer", {"inputs": failing}) == (500, {"error": reason})
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    failed = next(line for line in lines if line["message"] == reason)
    assert (failed["level"], failed["error"], failed["model"]) == ("ERROR", "RuntimeError", MODEL)
    assert any("probe_model.py" in frame and "_predict_outputs" in frame for frame in failed["traceback"])
    assert PAYLOAD not in server.log.read_text()
    assert client.rest(f"/v2/models/{MODEL}/infer", {"inputs": GOOD})[0] == 200


def test_failure_of_the_models_own_code_in_a_load_says_where(server: RuntimeServer, client: V2Client) -> None:
    lay_out(server, "broken", "broken")
    with pytest.raises(grpc.RpcError) as caught:
        server.load("broken")
    line = (
        (PROBE / "probe_model.py").read_text().splitlines().index('                raise RuntimeError("no such layer")')
    )
    reason = f"Model broken cannot be loaded: probe_model.py:{line + 1}: RuntimeError: no such layer"
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.FAILED_PRECONDITION, reason)
    assert client.call("ServerReady").ready


def test_bodies_are_of_any_size_where_messages_are(client: V2Client) -> None:
    body = gzip.compress(json.dumps({"inputs": GOOD}).encode() + b" " * (40 * 2**20), 1)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert client.http("POST", f"/v2/models/{MODEL}/infer", body, headers)[0] == 200


def test_model_is_not_ready_while_it_loads(server: RuntimeServer, client: V2Client) -> None:
    lay_out(server, "slow", "slow")
    loading = client.start("RepositoryModelLoad", model_name="slow")
    # The load takes seconds, a look at it milliseconds.
    looks = [known_and_ready(client, "slow") for _ in range(50)]
    assert not loading.done()
    assert set(looks) <= {None, False}
    loading.result()
    assert known_and_ready(client, "slow")


def test_load_that_nobody_waits_for_leaves_nothing_behind(server: RuntimeServer, client: V2Client) -> None:
    adapted = lay_out(server, "hasty", "slow")
    with pytest.raises(grpc.RpcError) as caught:
        client.send("RepositoryModelLoad", client.message("RepositoryModelLoadRequest", model_name="hasty"), seconds=1)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    while known_and_ready(client, "hasty") is not None:
        pass
    (adapted / "probe.json").unlink()
    (adapted / "probe.json").write_text('{"load": "fine"}')
    server.load("hasty")
    assert known_and_ready(client, "hasty")


@pytest.mark.parametrize("before", [False, True], ids=["first load", "reload"])
def test_model_that_is_unloaded_while_it_loads_leaves_no_series(
    server: RuntimeServer, client: V2Client, before: bool
) -> None:
    model = f"left-{before}".lower()
    adapted = lay_out(server, model, "fine" if before else "slow")
    if before:
        server.load(model)
        (adapted / "probe.json").write_text('{"load": "slow"}')
    loading = client.start("RepositoryModelLoad", model_name=model)
    while not before and known_and_ready(client, model) is None:
        pass
    time.sleep(0.5)  # of the load's three seconds
    client.call("RepositoryModelUnload", model_name=model)
    assert loading.code() == grpc.StatusCode.NOT_FOUND
    assert known_and_ready(client, model) is None
    with urlopen(server.metrics_url, timeout=10) as answer:  # noqa: S310  (the server's own)
        assert model not in answer.read().decode()


def test_load_that_a_later_one_overtook_takes_no_series_along(server: RuntimeServer, client: V2Client) -> None:
    adapted = lay_out(server, "overtaken", "slow")
    loading = client.start("RepositoryModelLoad", model_name="overtaken")
    while known_and_ready(client, "overtaken") is None:
        pass
    time.sleep(0.5)
    (adapted / "probe.json").write_text('{"load": "fine"}')
    server.load("overtaken")
    assert not loading.done()
    loading.result()
    assert known_and_ready(client, "overtaken")
    with urlopen(server.metrics_url, timeout=10) as answer:  # noqa: S310  (the server's own)
        assert 'model_size_bytes{model="overtaken"}' in answer.read().decode()
    client.call("RepositoryModelUnload", model_name="overtaken")
    with urlopen(server.metrics_url, timeout=10) as answer:  # noqa: S310  (the server's own)
        assert "overtaken" not in answer.read().decode()


def test_limit_that_is_none_stops_the_server_at_its_start(tmp_path: Path) -> None:
    server = RuntimeServer(venv_for(RUNTIME / "requirements.txt"), tmp_path, MLSERVER_GRPC_MAX_MESSAGE_LENGTH="many")
    assert server.process.wait(60) == 1
    assert "grpc_max_message_length\n  Input should be a valid integer" in server.log.read_text()


def assert_batches(server: RuntimeServer) -> None:
    """Requests with arrays that MLServer merges each get their own rows."""
    adapted = lay_out(server, "batched")
    settings = json.loads((adapted / "model-settings.json").read_text())
    (adapted / "model-settings.json").write_text(json.dumps(settings | {"max_batch_size": 3, "max_batch_time": 5}))
    server.load("batched")
    started = [
        server.client.start(
            "ModelInfer",
            model_name="batched",
            inputs=[{"name": "numbers", "datatype": "FP32", "shape": [1]}],
            raw_input_contents=[struct.pack("<f", number)],
        )
        for number in (1, 2, 3)
    ]
    assert [each.result().raw_output_contents[1] for each in started] == [struct.pack("<e", n / 2) for n in (1, 2, 3)]


def test_all_outputs_are_raw_where_one_has_no_typed_contents(tmp_path: Path) -> None:
    server = RuntimeServer(
        venv_for(RUNTIME / "requirements.txt"),
        tmp_path,
        PYTHONPATH=f"{PROBE}",
        MLSERVER_MODEL_IMPLEMENTATION="probe_model.HalvesModel",
    )
    try:
        server.wait_until_live()
        lay_out(server, MODEL)
        server.load(MODEL)
        tensor = {"name": "numbers", "datatype": "FP32", "shape": [2], "data": [1.0, 3.0]}
        answer = server.client.call("ModelInfer", model_name=MODEL, inputs=typed([tensor]))
        assert_batches(server)
    finally:
        server.stop()
    assert not any(output.HasField("contents") for output in answer.outputs)
    assert list(answer.raw_output_contents) == [struct.pack("<2f", 1, 3), struct.pack("<2e", 0.5, 1.5)]


def known_and_ready(client: V2Client, model: str) -> bool | None:
    """None for a model that the server does not know."""
    try:
        return bool(client.call("ModelReady", name=model).ready)
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.NOT_FOUND:
            return None
        raise
