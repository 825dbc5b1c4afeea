"""A model with tensors of every kind, which fails where its file or a request asks for it: what the base class is for.

The model's file is JSON: `{"load": "fine"}`, or a word below for another end of the load.
"""

import json
import time
from pathlib import Path
from typing import Any

from mlserver.types import Datatype, InferenceRequest, ResponseOutput
from modelmesh_runtime import CustomMLModel, Tensor

PAYLOAD = "marked-payload"


class ProbeModel(CustomMLModel):
    INPUTS = (
        Tensor(name="ids", datatype=Datatype.INT8, shape=("N",), content_type="np"),
        Tensor(name="weights", datatype=Datatype.FP32, shape=("N", 2)),
        Tensor(name="flag", datatype=Datatype.BOOL, shape=(1,)),
        Tensor(name="blobs", datatype=Datatype.BYTES, shape=("N",)),
    )
    OUTPUTS = (
        Tensor(name="sums", datatype=Datatype.FP64, shape=("N",)),
        Tensor(name="weights", datatype=Datatype.FP32, shape=("N", 2)),
        Tensor(name="sizes", datatype=Datatype.UINT64, shape=("N",)),
        Tensor(name="flag", datatype=Datatype.BOOL, shape=(1,)),
        Tensor(name="blobs", datatype=Datatype.BYTES, shape=("N",)),
    )

    def _load_model_from_file(self, file_uri: str) -> None:
        match json.loads(Path(file_uri).read_text())["load"]:
            case "slow":
                time.sleep(3)
            case "broken":
                raise RuntimeError("no such layer")

    def _predict_outputs(self, payload: InferenceRequest) -> list[ResponseOutput]:
        ids, weights, blobs = (self.values(payload, name) for name in ("ids", "weights", "blobs"))
        if 13 in ids:
            raise RuntimeError(f"{PAYLOAD} {blobs}")
        return [
            self.output("sums", weights.sum(axis=1) + ids),
            self.output("weights", weights.ravel().tolist(), [len(ids), 2]),
            self.output("sizes", [len(blob) for blob in blobs]),
            self.output("flag", self.values(payload, "flag")),
            self.output("blobs", blobs),
        ]


class HalvesModel(CustomMLModel):
    """Outputs of which one has no typed contents in the protocol."""

    INPUTS = (Tensor(name="numbers", datatype=Datatype.FP32, shape=("N",)),)
    OUTPUTS = (
        Tensor(name="same", datatype=Datatype.FP32, shape=("N",)),
        Tensor(name="halves", datatype=Datatype.FP16, shape=("N",)),
    )

    def _load_model_from_file(self, file_uri: str) -> None:
        pass

    def _predict_outputs(self, payload: InferenceRequest) -> dict[str, Any]:
        numbers = self.values(payload, "numbers")
        return {"same": numbers, "halves": numbers / 2}
