"""The base of a custom model server: three methods to fill in, and MLServer's part done once.

It owns the order of things (load, check, predict), the thread they run in, and how a failure reaches the caller.
It does not know any model: a subclass reads the files, checks the request and computes the outputs.

Loading and predicting run in a worker thread, because MLServer answers health checks, the adapter and every other
model from one event loop. MLServer marks a model as ready only when `load` has returned.
"""

import asyncio
from abc import ABC, abstractmethod
from http import HTTPStatus

from mlserver import MLModel
from mlserver.errors import InferenceError, MLServerError
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from mlserver.utils import get_model_uri


class ModelLoadError(MLServerError):
    """The files of a model cannot be served: FAILED_PRECONDITION over gRPC, 422 over REST.

    The adapter hands the message on, so that it ends in the InferenceService's `status.modelStatus.lastFailureInfo`.
    """

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"Model {model} cannot be loaded: {reason}", HTTPStatus.UNPROCESSABLE_ENTITY)


class CustomMLModel(MLModel, ABC):
    """An MLServer model made of three methods: `_load_model_from_file`, `_check_request`, `_predict_outputs`.

    Whatever a subclass keeps of a model belongs to the instance: one server holds many models. It goes with the
    instance, when MLServer drops that after an unload, so requests under way still finish.
    """

    async def load(self) -> bool:
        """Load the model that the settings point at.

        Raises:
            ModelLoadError: the files are missing, unreadable or not what they should be.
        """
        file_uri = await get_model_uri(self.settings)
        try:
            await asyncio.to_thread(self._load_model_from_file, file_uri)
        except (OSError, ValueError) as error:
            raise ModelLoadError(self.name, str(error)) from error
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer one request with the outputs it asks for, or all of them.

        Raises:
            InferenceError: the request is not one for this model (INVALID_ARGUMENT over gRPC, 400 over REST).
        """
        outputs = await asyncio.to_thread(self._answer, payload)
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    def _answer(self, payload: InferenceRequest) -> list[ResponseOutput]:
        return _requested(self._predict_outputs(self._check_request(payload)), payload)

    @abstractmethod
    def _load_model_from_file(self, file_uri: str) -> None:
        """Read the model into the instance. A ValueError or OSError tells the user what is wrong with which file.

        Args:
            file_uri: path of the file or directory that the puller fetched, or a URI of another scheme as it stands
                in the model's settings.
        """

    @abstractmethod
    def _check_request(self, payload: InferenceRequest) -> InferenceRequest:
        """Return the request with its inputs as `_predict_outputs` wants them.

        Raises:
            InferenceError: names the tensor, what was expected and what came.
        """

    @abstractmethod
    def _predict_outputs(self, payload: InferenceRequest) -> list[ResponseOutput]:
        """Compute all outputs of a checked request. Called from several threads at once."""


def _requested(outputs: list[ResponseOutput], payload: InferenceRequest) -> list[ResponseOutput]:
    if not payload.outputs:
        return outputs
    by_name = {output.name: output for output in outputs}
    for wanted in payload.outputs:
        if wanted.name not in by_name:
            raise InferenceError(f'output "{wanted.name}": expected one of {", ".join(by_name)}')
    return [by_name[wanted.name] for wanted in payload.outputs]
