"""Health and metadata, as the adapter and a client see them."""

from concurrent.futures import ThreadPoolExecutor

from tests.runtime.conftest import EXAMPLE
from tests.runtime.v2_client import V2Client

OUTPUTS = [("compound", "FP32"), ("pos", "FP32"), ("neu", "FP32"), ("neg", "FP32"), ("label", "BYTES")]


def test_server_and_model_are_live_and_ready(client: V2Client) -> None:
    assert client.call("ServerLive").live
    assert client.call("ServerReady").ready
    assert client.call("ModelReady", name=EXAMPLE).ready
    for path in ("/v2/health/live", "/v2/health/ready", f"/v2/models/{EXAMPLE}/ready"):
        assert client.rest(path)[0] == 200


def test_server_metadata_names_the_pinned_version(client: V2Client) -> None:
    metadata = client.call("ServerMetadata")
    assert (metadata.name, metadata.version) == ("mlserver", "1.7.1")


def test_model_metadata_declares_the_tensors_over_grpc(client: V2Client) -> None:
    metadata = client.call("ModelMetadata", name=EXAMPLE)
    assert metadata.name == EXAMPLE
    assert [(each.name, each.datatype, list(each.shape)) for each in metadata.inputs] == [("text", "BYTES", [-1])]
    assert [(each.name, each.datatype) for each in metadata.outputs] == OUTPUTS


def test_model_metadata_declares_the_tensors_over_rest(client: V2Client) -> None:
    status, metadata = client.rest(f"/v2/models/{EXAMPLE}")
    assert status == 200
    assert [(each["name"], each["datatype"]) for each in metadata["inputs"]] == [("text", "BYTES")]
    assert [(each["name"], each["datatype"]) for each in metadata["outputs"]] == OUTPUTS


def test_health_is_answered_while_a_long_request_is_computed(client: V2Client) -> None:
    texts = [b"The food was not very good, but the staff were really GREAT!!! " * 5] * 800
    tensor = {"name": "text", "datatype": "BYTES", "shape": [800], "contents": {"bytes_contents": texts}}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.call, "ModelInfer", model_name=EXAMPLE, inputs=[tensor])
        while not answer.running():
            pass
        answered = 0
        while not answer.done():
            client.call("ServerLive")
            answered += not answer.done()
    assert len(answer.result().outputs) == 5
    assert answered > 2
