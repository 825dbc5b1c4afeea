"""ONNX files whose tensors the server takes from themselves, from the file to the answer."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from mlserver.settings import ModelParameters, ModelSettings
from mlserver.types import InferenceRequest, RequestInput
from modelmesh_runtime import InferenceError, ModelLoadError
from onnx import TensorProto, helper

from onnx_model import OnnxModel

WEIGHTS = np.arange(6, dtype=np.float32).reshape(3, 2)


def saved(folder: Path, kind: int = TensorProto.FLOAT) -> Path:
    """A file with a matrix product of `rows` [batch, 3] and a sum of each row."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["rows", "weights"], ["product"]),
            helper.make_node("ReduceSum", ["rows", "axis"], ["sum"], keepdims=0),
        ],
        "linear",
        [helper.make_tensor_value_info("rows", kind, ["batch", 3])],
        [
            helper.make_tensor_value_info("product", TensorProto.FLOAT, ["batch", 2]),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, [None]),
        ],
        [onnx.numpy_helper.from_array(WEIGHTS, "weights"), onnx.numpy_helper.from_array(np.array([1]), "axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "linear.onnx")
    return folder


def loaded(path: Path) -> OnnxModel:
    """The model of a file, or of the folder with it."""
    parameters = ModelParameters(uri=str(path))
    model = OnnxModel(ModelSettings(name="linear", implementation=OnnxModel, parameters=parameters))
    assert asyncio.run(model.load())
    return model


def product(model: OnnxModel, rows: Any) -> tuple[list[int], Any]:
    """Shape and values of the product for some rows."""
    data = np.asarray(rows).ravel().tolist()
    given = RequestInput(name="rows", datatype="FP32", shape=[*np.shape(rows)], data=data)
    output, _ = asyncio.run(model.predict(InferenceRequest(inputs=[given]))).outputs
    return output.shape, np.reshape(output.data.root, output.shape)


@pytest.mark.parametrize("batch", [1, 5])
def test_any_batch_gets_the_answer_of_the_matrix(tmp_path: Path, batch: int) -> None:
    rows = np.arange(3 * batch, dtype=np.float32).reshape(batch, 3)
    shape, values = product(loaded(saved(tmp_path)), rows)
    assert shape == [batch, 2]
    assert np.array_equal(values, rows @ WEIGHTS)


def test_the_tensors_are_those_of_the_file_or_of_its_folder(tmp_path: Path) -> None:
    for path in (saved(tmp_path), tmp_path / "linear.onnx"):
        metadata = asyncio.run(loaded(path).metadata())
        tensors = [*(metadata.inputs or []), *(metadata.outputs or [])]
        assert [(each.name, each.datatype, each.shape) for each in tensors] == [
            ("rows", "FP32", [-1, 3]),
            ("product", "FP32", [-1, 2]),
            ("sum", "FP32", [-1]),
        ]


def test_rows_of_another_width_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InferenceError, match=r'input "rows": expected shape \[batch, 3\]'):
        product(loaded(saved(tmp_path)), [[1.0, 2.0]])


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong.onnx").write_text("no model")
    with pytest.raises(ModelLoadError, match=r"Model linear cannot be loaded: .*InvalidProtobuf"):
        loaded(tmp_path)
