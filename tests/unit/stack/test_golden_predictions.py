"""Which golden predictions a preview refuses, and when two models do not fit into a runtime's memory."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.installation.declared_runtime import DeclaredRuntime
from components.runtimes.memory_plan import MemoryPlan
from components.runtimes.serving_runtime import ServingRuntimeArgs
from components.services.golden_predictions import GoldenPredictions
from tests.unit.stack.engine import ROOT, run
from tests.unit.stack.golden import IMAGE, PREDICTION, golden, prediction
from tests.unit.stack.runtimes import mlserver
from tests.unit.stack.worlds import place

MIB = 2**20
OUTPUT = ("response", "outputs", 0)


def problems(predictions: GoldenPredictions) -> list[str]:
    return [str(problem).removeprefix("folder") for problem in predictions.problems()]


def test_good_predictions_have_no_problem_and_come_with_flat_data(tmp_path: Path) -> None:
    nested = prediction("request", "inputs", 0, "data", value=[["good"], ["bad"]])
    nested["request"]["inputs"][0]["shape"] = [2, 1]
    nested["response"]["model_name"] = "sentiment__isvc-0123456789"
    (tmp_path / "README.md").write_text("no prediction")
    found = golden(tmp_path, words=PREDICTION, nested=nested)
    assert problems(found) == []
    content = json.loads(found.content())
    assert content["words.json"] == PREDICTION
    assert content["nested.json"]["request"]["inputs"][0]["data"] == ["good", "bad"]


def test_the_one_in_the_documentation_is_good(tmp_path: Path) -> None:
    (shown,) = re.findall(r"(?sm)^```json\n(.*?)^```", (ROOT / "docs/golden-predictions.md").read_text())
    assert problems(golden(tmp_path, shown=shown)) == []


def test_a_folder_has_to_have_predictions(tmp_path: Path) -> None:
    (found,) = problems(GoldenPredictions(folder=tmp_path / "none", image=IMAGE))
    assert found == f": {tmp_path / 'none'} cannot be read (No such file or directory), expected a folder of JSON files"
    (found,) = problems(GoldenPredictions(folder=tmp_path, image=IMAGE))
    assert "expected a folder with one JSON file or more" in found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", '["words.json"]: not JSON (Expecting'),
        ('{"tolerance": NaN}', '["words.json"]: not JSON (NaN is not JSON), expected JSON'),
        (prediction("response"), '["words.json"].response: missing, expected a value; the answer of the model'),
        (prediction("request", "inputs", 0, "data"), '["words.json"].request.inputs[0].data: missing'),
        (prediction("request", "inputs", value=[]), '["words.json"].request.inputs: [] should be non-empty'),
        (prediction("request", "id", value="1"), "'id' was unexpected"),
        (prediction(*OUTPUT, "datatype", value="BF16"), "outputs[0].datatype: 'BF16', expected one of BOOL, UINT8"),
        (prediction(*OUTPUT, "shape", value=[3]), "outputs[0].data: 2 values, expected 3, by the shape [3]"),
        (prediction(*OUTPUT, "data", value=["a", 1]), "outputs[0].data: (not shown), expected values of the datatype"),
        (prediction(*OUTPUT, "data", value=[True, 1]), "expected values of the datatype FP32"),
        (prediction("tolerance", "label", value=1), "tolerance.label: set, expected the name of an output of numbers"),
        (prediction("tolerance", "other", value=1), "of which there are compound"),
        (prediction("tolerance", "compound", value=-1), "-1 is less than the minimum of 0"),
        (prediction("extra", value=1), "'extra' was unexpected"),
    ],
)
def test_a_prediction_that_cannot_be_asked_or_compared_is_refused(tmp_path: Path, content: Any, expected: str) -> None:
    (found,) = problems(golden(tmp_path, words=content))
    assert expected in found


@pytest.mark.parametrize(
    ("datatype", "value", "fits"),
    [
        ("UINT8", 255, True), ("UINT8", 256, False), ("UINT8", -1, False), ("INT8", -128, True), ("INT8", 128, False),
        ("INT64", 2**63 - 1, True), ("INT32", 1.0, False), ("INT32", True, False), ("FP16", 1, True),
        ("FP64", "1", False), ("BOOL", True, True), ("BOOL", 1, False), ("BYTES", "1", True), ("BYTES", 1, False),
    ],
)  # fmt: skip
def test_values_have_the_type_and_range_of_their_datatype(
    tmp_path: Path, datatype: str, value: Any, fits: bool
) -> None:
    tensor = {"name": "number", "datatype": datatype, "shape": [1], "data": [value]}
    found = problems(golden(tmp_path, words=prediction("request", "inputs", value=[tensor])))
    assert (found == []) is fits


def test_all_predictions_together_fit_into_a_secret(tmp_path: Path) -> None:
    assert problems(golden(tmp_path, words=json.dumps(PREDICTION).ljust(800_000))) == []
    (found,) = problems(golden(tmp_path, words=json.dumps(PREDICTION).ljust(800_001)))
    assert found == ": 800,001 bytes, expected at most 800,000 bytes of predictions"


@pytest.mark.parametrize(
    ("room", "model", "fits"),
    [(100 * MIB, 36 * MIB, True), (100 * MIB, 37 * MIB, False), (None, 37 * MIB, True), (100 * MIB, None, True)],
)
def test_two_models_have_to_fit(tmp_path: Path, room: int | None, model: int | None, fits: bool) -> None:
    runtime = DeclaredRuntime(name="custom", namespace=None, formats=(), room_bytes=room)
    found = [*replace(golden(tmp_path), model_bytes=model).memory_problems(runtime)]
    assert (found == []) is fits
    if not fits:
        assert str(found[0]).startswith("model_bytes: 100 MiB for models in each pod of custom, expected 103 MiB")


@pytest.mark.parametrize(("resident", "fits"), [(1, False), (2, True)])
def test_a_memory_plan_has_to_hold_two_models(tmp_path: Path, resident: int, fits: bool) -> None:
    def program() -> None:
        spec = mlserver(plan=MemoryPlan(model_bytes=100 * MIB, resident_models=resident, processes=2))
        declared = ServingRuntimeArgs(namespace=place(), runtime_name="custom", spec=spec).planned()
        assert declared.model_size_multiplier == 2.5
        assert ([*golden(tmp_path).memory_problems(declared)] == []) is fits

    run(program)
