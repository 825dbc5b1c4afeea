"""The model server of the recording: a model is one number in a JSON file, which answers every request."""

import json
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri


class RecordedModel(MLModel):
    async def load(self) -> bool:
        self._number = float(json.loads(Path(await get_model_uri(self._settings)).read_text()))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        payload.inputs[0]  # a request without inputs fails here, as it did in the recording
        output = NumpyCodec.encode_output("compound", np.array([[self._number]], dtype=np.float32))
        return InferenceResponse(model_name=self.name, outputs=[output])
