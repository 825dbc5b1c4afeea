"""Doubles an array of any shape, as a runtime of this project."""

from typing import Any

from mlserver.types import Datatype, InferenceRequest
from modelmesh_runtime import CustomMLModel, Tensor


class EchoModel(CustomMLModel):
    """Model whose file only exists to be loaded."""

    INPUTS = (Tensor(name="x", datatype=Datatype.FP32, shape=("N", "K")),)
    OUTPUTS = (Tensor(name="y", datatype=Datatype.FP32, shape=("N", "K")),)

    INLINE_ITEMS = 2**18  # 20 microseconds for an image: a thread would cost more

    def _load_model_from_file(self, file_uri: str) -> None:
        if file_uri.endswith("image"):
            shape = ("N", 3, 224, 224)
            self.declare(*([Tensor(name=name, datatype=Datatype.FP32, shape=shape)] for name in "xy"))

    def _predict_outputs(self, payload: InferenceRequest) -> dict[str, Any]:
        return {"y": self.values(payload, "x") * 2}
