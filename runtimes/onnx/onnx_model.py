"""Serves ONNX models whose tensors are numbers; sizes that the file leaves open are the caller's."""

from pathlib import Path
from typing import Any

from mlserver.types import InferenceRequest
from modelmesh_runtime import CustomMLModel, Datatype, Tensor
from onnxruntime import InferenceSession, NodeArg

DATATYPES = {
    f"tensor({name})": Datatype(datatype)
    for name, datatype in {"float16": "FP16", "float": "FP32", "double": "FP64", "bool": "BOOL"}.items()
} | {f"tensor({each.value.lower()})": each for each in Datatype if "INT" in each.value}
"""Datatypes by ONNX Runtime's names of types."""


class OnnxModel(CustomMLModel):
    """A file `*.onnx`, or a folder with it and the files of its weights."""

    def _load_model_from_file(self, file_uri: str) -> None:
        self._session = InferenceSession(str(next(Path(file_uri).glob("*.onnx"), file_uri)))
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self.declare([*map(tensor, inputs)], [*map(tensor, outputs)])

    def _predict_outputs(self, payload: InferenceRequest) -> dict[str, Any]:
        names = [each.name for each in self._session.get_outputs()]
        arrays = {each.name: self.values(payload, each.name) for each in self._session.get_inputs()}
        return dict(zip(names, self._session.run(names, arrays), strict=True))


def tensor(node: NodeArg) -> Tensor:
    """Declaration of one of the model's inputs or outputs.

    Raises:
        ValueError: It holds no numbers.
    """
    if node.type not in DATATYPES:
        raise ValueError(f"{node.name}: expected one of {', '.join(DATATYPES)}, got {node.type}")
    shape = [size if isinstance(size, int) else size or f"{node.name}.{axis}" for axis, size in enumerate(node.shape)]
    return Tensor(name=node.name, datatype=DATATYPES[node.type], shape=tuple(shape))
