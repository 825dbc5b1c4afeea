"""Tests of a model's class without a server: with the same checks of requests and answers, and pytest alone."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
from mlserver.settings import ModelParameters, ModelSettings
from mlserver.types import Datatype, InferenceRequest, RequestInput, TensorData

from .custom_model import CustomMLModel


class LoadedModel:
    """A model in this process, to be called with its inputs by name.

    Args:
        kind: Class of the model.
        files: File or folder of the model.

    Raises:
        ModelLoadError: The files cannot be served.
    """

    def __init__(self, kind: type[CustomMLModel], files: str | Path) -> None:
        parameters = ModelParameters(uri=str(files))
        settings: Any = ModelSettings  # has no types
        self.model = kind(settings(name=kind.__name__, implementation=kind, parameters=parameters))
        asyncio.run(self.model.load())

    def __call__(self, **inputs: Any) -> dict[str, Any]:
        """Predict from arrays or nested lists; return nested lists by output, and bytes for BYTES.

        Raises:
            InferenceError: The inputs are invalid for this model.
            PredictionError: The model's code failed, or its answer does not fit the declaration.
        """
        datatypes = {each.name: Datatype(each.datatype) for each in self.model.inputs or ()}
        tensors = [_tensor(name, datatypes.get(name, Datatype.BYTES), value) for name, value in inputs.items()]
        response = asyncio.run(self.model.predict(InferenceRequest(inputs=tensors)))
        return {each.name: _nested(each.shape, each.data.root) for each in response.outputs}


def _tensor(name: str, datatype: Datatype, value: Any) -> RequestInput:
    array = np.asarray(value, object if datatype is Datatype.BYTES else None)
    data = TensorData(array.ravel().tolist())
    return RequestInput(name=name, shape=[*array.shape], datatype=datatype, data=data)


def _nested(shape: list[int], values: Any) -> Any:
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape).tolist()
