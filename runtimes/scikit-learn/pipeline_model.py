"""Serves scikit-learn pipelines that were saved by skops, which loads data and known types but executes no code.

Input: `features` FP64 [N, features of the pipeline]. Output: `prediction`, a class (INT64, BOOL or BYTES) or a number
(FP64): [N], or [N, outputs] of a pipeline that predicts several.
"""

from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from mlserver.types import InferenceRequest
from modelmesh_runtime import TEXT, CustomMLModel, Datatype, Tensor

DATATYPES = {"f": Datatype.FP64, "i": Datatype.INT64, "u": Datatype.INT64, "b": Datatype.BOOL}
"""Datatype by numpy's kind of a prediction; others are texts."""


class PipelineModel(CustomMLModel):
    """A file `*.skops` with a fitted pipeline or estimator, or a folder with it."""

    def _load_model_from_file(self, file_uri: str) -> None:
        self._pipeline: Any = skops.io.load(next(Path(file_uri).glob("*.skops"), file_uri), trusted=[])
        width = self._pipeline.n_features_in_
        row = self._prediction(width)
        datatype = DATATYPES.get(row.dtype.kind, Datatype.BYTES)
        content_type = TEXT if datatype is Datatype.BYTES else None
        self.declare(
            [Tensor(name="features", datatype=Datatype.FP64, shape=("N", width), finite=True)],
            [Tensor(name="prediction", datatype=datatype, shape=("N", *row.shape[1:]), content_type=content_type)],
        )

    def _prediction(self, width: int) -> np.ndarray[Any, Any]:
        """A prediction for one row, which shows the output's datatype and shape."""
        try:
            return np.asarray(self._pipeline.predict(np.zeros((1, width))))
        except ValueError:  # zeros are no valid features, such as unknown categories
            last = self._pipeline[-1] if hasattr(self._pipeline, "steps") else self._pipeline
            if not hasattr(last, "classes_") and np.ndim(getattr(last, "coef_", ())) > 1:
                return np.empty((1, len(last.coef_)))
            classes = getattr(self._pipeline, "classes_", np.empty(1))
            return np.array([[each[0] for each in classes]]) if isinstance(classes, list) else classes[:1]

    def _predict_outputs(self, payload: InferenceRequest) -> dict[str, Any]:
        return {"prediction": self._pipeline.predict(self.values(payload, "features")).tolist()}
