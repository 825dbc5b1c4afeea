"""What `make golden` writes: the answers of today, for the outputs that a file expects."""

import json
import math
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli import golden as module
from cli.errors import CommandError
from cli.stack import Stack

REQUEST = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["good"]}]}
COMPOUND = {"name": "compound", "datatype": "FP32", "shape": [1], "data": [0.4404]}
LABEL = {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["positive"]}


@dataclass
class Model:
    outputs: list[dict[str, Any]]
    name: str = "mine"

    def sample(self, text: str) -> dict[str, Any]:
        return {"inputs": [REQUEST["inputs"][0] | {"data": [text]}]}

    def answer(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        assert request["inputs"][0]["name"] == "text"
        return self.outputs


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The model of a stack whose golden predictions are in the folder `golden`."""
    served = Model([COMPOUND, LABEL])
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text("config:\n  modelmesh:goldenPredictions: golden\n")
    stack = Stack(name="prod", embedded=None, config_file=file, environment={}, root=tmp_path)

    @contextmanager
    def connected(_: Stack) -> Iterator[Model]:
        yield served

    monkeypatch.setattr(module, "open_stack", lambda *_: stack)
    monkeypatch.setattr(module, "served_model", connected)
    return served


def write(tmp_path: Path, **prediction: Any) -> None:
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden/words.json").write_text(json.dumps(prediction))


def written(tmp_path: Path, name: str = "words") -> Any:
    module.golden(Namespace(stack="prod", instance="dev"))
    return json.loads((tmp_path / f"golden/{name}.json").read_text())


@pytest.mark.usefixtures("model")
def test_an_empty_folder_gets_a_first_prediction(tmp_path: Path) -> None:
    found = written(tmp_path, "example")
    assert found["request"]["inputs"][0]["data"] == ["What a wonderful day, I love it!"]
    assert found["response"] == {"outputs": [COMPOUND, LABEL]}
    assert found["tolerance"] == {"compound": 4e-06}


@pytest.mark.parametrize(
    ("data", "tolerance"), [([0.5719], 6e-06), ([-200.0, 1.0], 0.002), ([0.0], 1e-05), ([], 1e-05)]
)
def test_a_tolerance_follows_the_largest_value(
    tmp_path: Path, model: Model, data: list[float], tolerance: float
) -> None:
    model.outputs = [COMPOUND | {"data": data}, LABEL]
    assert written(tmp_path, "example")["tolerance"] == {"compound": tolerance}


@pytest.mark.usefixtures("model")
def test_a_request_gets_its_answer(tmp_path: Path) -> None:
    write(tmp_path, request=REQUEST, tolerance={"compound": 0.5})
    assert written(tmp_path) == {
        "request": REQUEST,
        "response": {"outputs": [COMPOUND, LABEL]},
        "tolerance": {"compound": 0.5},
    }


@pytest.mark.usefixtures("model")
def test_only_outputs_that_are_expected_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, request=REQUEST, response={"outputs": [COMPOUND | {"data": [0.1]}]})
    assert written(tmp_path) == {"request": REQUEST, "response": {"outputs": [COMPOUND]}}
    assert "golden/words.json: changed" in capsys.readouterr().err
    written(tmp_path)
    assert "golden/words.json: as before" in capsys.readouterr().err


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("prediction", [{}, {"request": 1}])
def test_a_file_without_a_request_is_named(tmp_path: Path, prediction: dict[str, Any]) -> None:
    write(tmp_path, **prediction)
    with pytest.raises(CommandError, match=r"words\.json has no request that can be sent"):
        written(tmp_path)


def test_an_answer_that_is_no_number_is_refused_and_the_file_stays(tmp_path: Path, model: Model) -> None:
    write(tmp_path, request=REQUEST)
    model.outputs = [COMPOUND | {"data": [math.nan]}]
    with pytest.raises(CommandError, match=r"words\.json has values that JSON cannot express"):
        written(tmp_path)
    assert json.loads((tmp_path / "golden/words.json").read_text()) == {"request": REQUEST}


@pytest.mark.usefixtures("model")
def test_a_stack_without_golden_predictions_is_told_the_key(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {}\n")
    with pytest.raises(CommandError, match="set modelmesh:goldenPredictions to a folder"):
        written(tmp_path)
