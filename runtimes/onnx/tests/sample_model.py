"""Makes a sample model, a matrix product and sums of rows: `python tests/sample_model.py FOLDER`."""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

WEIGHTS = np.arange(6, dtype=np.float32).reshape(3, 2)


def main(folder: str) -> None:
    """Save a model of `rows` [batch, 3] in a new folder."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["rows", "weights"], ["product"]),
            helper.make_node("ReduceSum", ["rows", "axis"], ["sum"], keepdims=0),
        ],
        "linear",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["batch", 3])],
        [
            helper.make_tensor_value_info("product", TensorProto.FLOAT, ["batch", 2]),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, [None]),
        ],
        [onnx.numpy_helper.from_array(WEIGHTS, "weights"), onnx.numpy_helper.from_array(np.array([1]), "axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    Path(folder).mkdir(parents=True)
    onnx.save(model, Path(folder, "linear.onnx"))


if __name__ == "__main__":
    main(*sys.argv[1:])
