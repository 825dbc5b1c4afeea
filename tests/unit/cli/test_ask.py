"""`make predict` sends a sample or the request of a file, and shows the answer as a table or as JSON."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import ask
from cli.errors import CommandError
from cli.stack import Stack
from tests.unit.cli.test_predict import served, stack

__all__ = ["stack"]

REQUEST: dict[str, Any] = {
    "inputs": [
        {"name": "sentence", "datatype": "BYTES", "shape": [1], "data": ["x"]},
        {"name": "weights", "datatype": "FP32", "shape": [1, 2], "data": [[1.0, 1.0]]},
    ]
}
TABLE = """\
TENSOR    DATATYPE  SHAPE  DATA
compound  FP64      [1]    [0.25]
pos       FP64      [1]    [0.25]
neu       FP64      [1]    [0.25]
neg       FP64      [1]    [0.25]
label     BYTES     [1]    ["positive"]
"""


@pytest.fixture
def asked(
    stack: Callable[..., Stack],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., str]:
    def predict(request: object = None, output: str = "text") -> str:
        file = tmp_path / "request.json"
        file.write_text(request if isinstance(request, str) else json.dumps(request))
        with served(None) as port:
            monkeypatch.setattr(ask, "open_stack", lambda *_: stack(port, {}))
            given = {"file": str(file) if request else None, "text": "x", "model": None, "output": output}
            ask.predict(Namespace(stack="prod", instance="dev", **given))
        return capsys.readouterr().out

    return predict


@pytest.mark.parametrize("request_given", [None, REQUEST])
def test_the_answer_to_a_sample_or_a_file_is_a_table(asked: Callable[..., str], request_given: object) -> None:
    assert asked(request_given) == TABLE


def test_programs_get_the_answer_as_json(asked: Callable[..., str]) -> None:
    answer = json.loads(asked(REQUEST, "json"))
    assert answer["model_name"] == "mine"
    assert answer["outputs"][-1] == {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["positive"]}


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((), "{", "cannot be read as JSON"),
        (("inputs",), [], "inputs: "),
        (("inputs", 0, "shape"), "1", "inputs[0].shape: '1' is not of type 'array'"),
        (("inputs", 1, "datatype"), "FLOAT", "inputs[1].datatype: 'FLOAT' is not one of"),
        (("inputs", 0, "parameters"), {"content_type": "str"}, "inputs[0]: Additional properties are not allowed"),
        (("inputs", 1, "shape"), [3], "cannot reshape array of size 2"),
        (("inputs", 1, "data"), [1, "x"], "could not convert string to float: 'x'"),
        (("inputs", 1), {"name": "w", "datatype": "INT8", "shape": [1], "data": [300]}, "out of bounds for int8"),
    ],
)
def test_a_request_that_cannot_be_sent_is_told_where(
    asked: Callable[..., str], place: tuple[str | int, ...], value: object, message: str
) -> None:
    request: Any = json.loads(json.dumps(REQUEST))
    inner = request
    for key in place[:-1]:
        inner = inner[key]
    if place:
        inner[place[-1]] = value
    with pytest.raises(CommandError) as raised:
        asked(request if place else value)
    assert "request.json" in str(raised.value)
    assert message in str(raised.value)


def test_a_file_that_is_missing_is_named() -> None:
    with pytest.raises(CommandError, match=r"nowhere\.json cannot be read as JSON: .*No such file"):
        ask.read(Path("nowhere.json"))


def test_long_data_is_cut_in_the_table() -> None:
    (_, row) = ask.table([{"name": "long", "datatype": "INT64", "shape": [500], "data": list(range(500))}])
    assert row.startswith("long    INT64     [500]  [0, 1, 2")
    assert row.endswith("…")
    assert len(row) < 120
