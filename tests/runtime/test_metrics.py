"""What Prometheus reads of each model: four metrics with the right counts, from its load to its unload."""

import re
from typing import Any
from urllib.request import urlopen

import grpc
import pytest

from tests.runtime.conftest import EXAMPLE
from tests.runtime.server import RuntimeServer
from tests.runtime.v2_client import V2Client
from tests.runtime.ways import WAYS, Refused, Way, grpc_typed

LEXICON = {"finance.txt": b"bull\t3.0\nbear\t-3.0\n"}


def metrics(server: RuntimeServer) -> str:
    with urlopen(server.metrics_url, timeout=10) as response:  # noqa: S310  (the server's own)
        assert response.headers["Content-Type"].startswith("text/plain")
        return str(response.read().decode())


def of(server: RuntimeServer, model: str) -> dict[str, float]:
    """Our metrics of one model; of the histogram count and sum."""
    found = re.findall(rf'^(model_\w+)\{{model="{model}"\}} (\S+)$', metrics(server), re.MULTILINE)
    return {name: float(value) for name, value in found if not name.endswith("_created")}


@pytest.fixture
def loaded(server: RuntimeServer, model: str) -> str:
    server.lay_out(model, LEXICON)
    server.load(model)
    return model


def test_a_loaded_model_tells_its_size_and_how_long_it_took(server: RuntimeServer, loaded: str) -> None:
    found = of(server, loaded)
    assert set(found) == {
        "model_items_total", "model_predict_seconds_count", "model_predict_seconds_sum",
        "model_load_seconds", "model_size_bytes",
    }  # fmt: skip
    assert found["model_items_total"] == found["model_predict_seconds_count"] == 0
    assert found["model_size_bytes"] == len(LEXICON["finance.txt"])
    assert found["model_load_seconds"] > 0


def test_the_size_is_that_of_all_files(server: RuntimeServer, example_files: dict[str, bytes]) -> None:
    assert of(server, EXAMPLE)["model_size_bytes"] == sum(map(len, example_files.values()))


@pytest.mark.parametrize("ask", WAYS, ids=lambda way: way.__name__.replace("_", " "))
def test_texts_and_requests_are_counted(server: RuntimeServer, client: V2Client, loaded: str, ask: Way) -> None:
    counts = [0, 1, 5, 300]
    for count in counts:
        ask(client, loaded, ["bull"] * count)
    found = of(server, loaded)
    assert (found["model_items_total"], found["model_predict_seconds_count"]) == (sum(counts), len(counts))
    assert found["model_predict_seconds_sum"] > 0


def test_refused_requests_count_as_nothing(server: RuntimeServer, client: V2Client, loaded: str) -> None:
    grpc_typed(client, loaded, ["bull"])
    before = of(server, loaded)
    with pytest.raises(Refused):
        grpc_typed(client, loaded, ["x"] * 70_000)
    assert of(server, loaded) == before


def test_loading_again_goes_on_counting(server: RuntimeServer, client: V2Client, loaded: str) -> None:
    grpc_typed(client, loaded, ["bull"] * 2)
    server.load(loaded)
    grpc_typed(client, loaded, ["bear"] * 3)
    assert of(server, loaded)["model_items_total"] == 5


def test_an_unloaded_model_leaves_no_series(server: RuntimeServer, client: V2Client, loaded: str) -> None:
    grpc_typed(client, loaded, ["bull"])
    assert loaded in metrics(server)
    client.call("RepositoryModelUnload", model_name=loaded)
    assert loaded not in metrics(server)


def test_a_model_that_does_not_load_leaves_no_series(server: RuntimeServer, model: str) -> None:
    server.lay_out(model, {"finance.txt": b"bull"})
    with pytest.raises(grpc.RpcError):
        server.load(model)
    assert model not in metrics(server)


@pytest.mark.parametrize("verb", ["BREW1", "BREW2"])
def test_methods_that_http_does_not_have_leave_no_series(server: RuntimeServer, client: V2Client, verb: str) -> None:
    assert client.http(verb, "/v2")[0] == 405
    assert verb not in metrics(server)


def test_names_of_models_that_are_not_there_leave_no_series(server: RuntimeServer, client: V2Client) -> None:
    request: dict[str, Any] = {"inputs": []}
    assert client.rest("/v2/models/never-there/infer", request)[0] == 404
    assert client.rest("/v2/models/never-there/infer_stream", request)[0] == 404
    with pytest.raises(grpc.RpcError):
        grpc_typed(client, "never-there", ["bull"])
    # That of the HTTP server itself may count the path.
    assert not re.search(r"^model_.*never-there", metrics(server), re.MULTILINE)
