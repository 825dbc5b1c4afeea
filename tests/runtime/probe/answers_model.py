"""A model that returns what a request asks for: right answers and wrong ones, by name."""

from pathlib import Path
from typing import Any

import mlserver
import numpy as np
from mlserver.types import Datatype, InferenceRequest, InferenceResponse
from modelmesh_runtime import BASE64, TEXT, CustomMLModel, Tensor

mlservers: Any = mlserver  # its metrics have no types
NUMBERS, LABELS = np.array([1, 2], np.int64), ["a", "b"]


def answer(**changed: Any) -> dict[str, Any]:
    """A right answer with changes: `None` leaves an output out."""
    right = {"number": NUMBERS, "small": [1, 2], "score": [[0.5, 1], [1.5, 2]], "label": LABELS, "flag": True}
    return {name: value for name, value in (right | changed).items() if value is not None}


ANSWERS: dict[str, Any] = {
    "lists": answer(number=[1, 2]),
    "arrays": answer(small=np.array([1, 2], np.uint64), score=np.ones((2, 2)), label=np.array(LABELS)),
    "array scalars": answer(number=[*NUMBERS], flag=np.True_, label=[*np.array(LABELS)]),
    "not contiguous": answer(number=np.arange(4)[::2], score=np.arange(4.0).reshape(2, 2).T),
    "bytes": answer(label=(b"a", b"b")),
    "objects": answer(label=np.array(LABELS, object)),
    "integers for floats": answer(score=np.array([[1, 2], [3, 4]])),
    "NaN and infinity": answer(score=[[float("nan"), float("inf")], [0, 1]]),
    # Wrong ones.
    "None": None,
    "an array alone": NUMBERS,
    "a list of arrays": [NUMBERS],
    "a response": InferenceResponse(model_name="x", outputs=[]),
    "a generator": (each for each in ""),
    "nothing": {},
    "one missing": answer(label=None),
    "one more": answer(extra=[1]),
    "another name": answer(label=None, labels=LABELS),
    "a float for an integer": answer(number=[1.0, 2.0]),
    "a float array for an integer": answer(number=np.array([1, 2], np.float32)),
    "a truth for an integer": answer(number=[True, False]),
    "an integer for a truth": answer(flag=1),
    "a text for a number": answer(number=["1", "2"]),
    "None for a number": answer(score=[[None, 1], [2, 3]]),
    "too large for INT8": answer(small=[1, 128]),
    "too large for any integer": answer(number=[1, 2**64]),
    "too large for FP32": answer(score=np.array([[1, 2], [1e39, 3]])),
    "another count": answer(number=[1, 2, 3]),
    "one value for a list": answer(number=1),
    "a column": answer(number=[[1], [2]]),
    "flat rows": answer(score=[0.5, 1, 1.5, 2]),
    "ragged rows": answer(score=[[0.5], [1, 2]]),
    "rows of another size": answer(score=[[1, 2, 3], [4, 5, 6]]),
    "a number for a text": answer(label=["a", 7]),
    "one text for a list": answer(label="ab"),
    "nested texts": answer(label=[["a"], ["b"]]),
    "an object": answer(number=object()),
}


class AnswersModel(CustomMLModel):
    """Its two rows are those of `rows`, which may be omitted."""

    INPUTS = (
        Tensor(name="case", datatype=Datatype.BYTES, shape=(1,), content_type=TEXT),
        Tensor(name="rows", datatype=Datatype.FP32, shape=("N",), optional=True, finite=True),
    )
    OUTPUTS = (
        Tensor(name="number", datatype=Datatype.INT64, shape=("N",)),
        Tensor(name="small", datatype=Datatype.INT8, shape=("N",)),
        Tensor(name="score", datatype=Datatype.FP32, shape=("N", 2)),
        Tensor(name="label", datatype=Datatype.BYTES, shape=("N",), content_type=TEXT),
        Tensor(name="flag", datatype=Datatype.BOOL, shape=()),
    )

    def _load_model_from_file(self, file_uri: str) -> None:
        assert Path(file_uri).exists()
        mlservers.register("probe_loaded", "Loads of this model")
        mlservers.log(probe_loaded=1)

    def _predict_outputs(self, payload: InferenceRequest) -> Any:
        mlservers.log(probe_asked=1)
        case = self.values(payload, "case")[0]
        if case == "temperature":
            return answer(score=np.full((2, 2), getattr(payload.parameters, case)))
        return ANSWERS[case]


class DeclaredModel(CustomMLModel):
    """A format's model: its file has the number of columns. It answers with what it gets."""

    def _load_model_from_file(self, file_uri: str) -> None:
        columns = int(Path(file_uri).read_text())
        row = Tensor(name="row", datatype=Datatype.FP16, shape=("N", columns))
        blob = Tensor(name="blob", datatype=Datatype.BYTES, shape=("M",), content_type=BASE64)
        self.declare([row, blob], [row, blob])

    def _predict_outputs(self, payload: InferenceRequest) -> dict[str, Any]:
        return {name: self.values(payload, name) for name in ("row", "blob")}
