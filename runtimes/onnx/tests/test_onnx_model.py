"""ONNX files whose tensors the server takes from themselves, from the file to the answer."""

from pathlib import Path

import numpy as np
import pytest
import sample_model
from modelmesh_runtime import InferenceError, ModelLoadError
from modelmesh_runtime.testing import LoadedModel

from onnx_model import OnnxModel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sample_model.main(str(tmp_path / "model"))
    return tmp_path / "model"


@pytest.mark.parametrize("batch", [1, 5])
def test_any_batch_gets_the_answer_of_the_matrix(folder: Path, batch: int) -> None:
    rows = np.arange(3 * batch, dtype=np.float32).reshape(batch, 3)
    answer = LoadedModel(OnnxModel, folder)(rows=rows)
    assert answer == {"product": (rows @ sample_model.WEIGHTS).tolist(), "sum": rows.sum(axis=1).tolist()}


def test_the_tensors_are_those_of_the_file_or_of_its_folder(folder: Path) -> None:
    for path in (folder, folder / "linear.onnx"):
        model = LoadedModel(OnnxModel, path).model
        tensors = [*(model.inputs or []), *(model.outputs or [])]
        assert [(each.name, each.datatype, each.shape) for each in tensors] == [
            ("rows", "FP32", [-1, 3]),
            ("product", "FP32", [-1, 2]),
            ("sum", "FP32", [-1]),
        ]


def test_rows_of_another_width_are_refused(folder: Path) -> None:
    with pytest.raises(InferenceError, match=r'input "rows": expected shape \[batch, 3\]'):
        LoadedModel(OnnxModel, folder)(rows=[[1.0, 2.0]])


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong.onnx").write_text("no model")
    with pytest.raises(ModelLoadError, match=r"Model OnnxModel cannot be loaded: .*InvalidProtobuf"):
        LoadedModel(OnnxModel, tmp_path)
