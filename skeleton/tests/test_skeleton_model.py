"""Tests of the model over REST, on a real server."""

from pathlib import Path
from typing import Any

import pytest

from project.model_server import ModelServer, ModelServerError

EXAMPLE = Path(__file__).parents[1] / "model"


@pytest.fixture(scope="session")
def model(server: ModelServer) -> str:
    """The example model, loaded."""
    server.lay_out("example", EXAMPLE)
    server.load("example")
    return "example"


def ask(server: ModelServer, model: str, *texts: str) -> tuple[int, Any]:
    """Status and body of one response."""
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(texts)], "data": texts}
    return server.rest(f"/v2/models/{model}/infer", {"inputs": [tensor]})


def test_keywords_are_counted_whatever_their_case(server: ModelServer, model: str) -> None:
    status, answer = ask(server, model, "What a wonderful day, I LOVE it!", "A day.")
    assert status == 200
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["data"]) == ("count", "INT64", [2, 0])


def test_a_text_without_words_is_refused_by_its_index(server: ModelServer, model: str) -> None:
    status, answer = ask(server, model, "A day.", "?!")
    assert (status, answer["error"]) == (400, 'input "text": element 1: expected at least one word')


def test_the_tensors_are_declared_to_clients(server: ModelServer, model: str) -> None:
    _, metadata = server.rest(f"/v2/models/{model}")
    assert [(each["name"], each["datatype"]) for each in metadata["inputs"]] == [("text", "BYTES")]
    assert [(each["name"], each["datatype"]) for each in metadata["outputs"]] == [("count", "INT64")]


def test_files_that_are_no_model_are_refused_with_file_and_line(server: ModelServer, tmp_path: Path) -> None:
    (tmp_path / "keywords.txt").write_text("good\ntwo words\n")
    server.lay_out("wrong", tmp_path)
    with pytest.raises(ModelServerError, match=r"keywords.txt:2: expected one word, got 'two words'"):
        server.load("wrong")
