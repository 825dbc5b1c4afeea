"""The base of a custom model server: declared tensors and three methods to fill in, and MLServer's part done once.

It owns the order of things (load, check, predict), the thread they run in, the metrics, and how a failure reaches the
caller. It does not know any model: a subclass declares its tensors, reads the files and computes the outputs.

Loading, and predicting where it is more than a few elements, run in a worker thread, because MLServer answers health
checks, the adapter and every other model from one event loop. MLServer marks a model as ready only when `load` has
returned, and goes on with the old one where it replaces a model.
"""

import asyncio
import os
import traceback
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

from mlserver import MLModel
from mlserver.errors import InferenceError, InvalidModelURI, MLServerError
from mlserver.logging import logger
from mlserver.settings import ModelSettings
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from mlserver.utils import get_model_uri

from limits import Limits
from model_metrics import ModelMetrics
from tensors import Tensor, check_request, short

_INLINE_BYTES = 16 * 1024
# Not the threads of predictions: a load that nobody waits for any more still runs to its end.
_LOADERS = ThreadPoolExecutor(thread_name_prefix="load")


class ModelLoadError(MLServerError):
    """The files of a model cannot be served: FAILED_PRECONDITION over gRPC, 422 over REST.

    The adapter hands the message on, so that it ends in the InferenceService's `status.modelStatus.lastFailureInfo`.
    """

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"Model {model} cannot be loaded: {reason}", HTTPStatus.UNPROCESSABLE_ENTITY)


class PredictionError(MLServerError):
    """The model's own code failed: INTERNAL over gRPC, 500 over REST. What failed stands in the log."""

    def __init__(self, model: str, error: Exception) -> None:
        reason = f"Model {model} failed with {type(error).__name__}; the server's log says where"
        super().__init__(reason, HTTPStatus.INTERNAL_SERVER_ERROR)


class CustomMLModel(MLModel, ABC):
    """An MLServer model made of declared tensors and `_load_model_from_file`, `_check_request`, `_predict_outputs`.

    Whatever a subclass keeps of a model belongs to the instance: one server holds many models. It goes with the
    instance, when MLServer drops that after an unload, so requests under way still finish.
    """

    INPUTS: ClassVar[tuple[Tensor, ...]]
    """What a request has to hold, and all that it may."""
    OUTPUTS: ClassVar[tuple[Tensor, ...]]
    """What `_predict_outputs` returns, in this order."""
    INLINE_ITEMS: ClassVar[int] = 0
    """Up to so many elements are predicted on the event loop, for a model to which a thread would be the larger cost.

    Nothing else is answered meanwhile, so this is for microseconds an element.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.inputs = [tensor.metadata for tensor in self.INPUTS]
        self.outputs = [tensor.metadata for tensor in self.OUTPUTS]
        self._outputs = {tensor.name: tensor for tensor in self.OUTPUTS}
        self._metrics: ModelMetrics | None = None
        self._unloaded = False

    async def load(self) -> bool:
        """Load the model that the settings point at; false if it was unloaded meanwhile.

        Raises:
            ModelLoadError: the files are missing, unreadable or not what they should be, or nobody waits any more.
        """
        started = perf_counter()
        try:
            file_uri = await get_model_uri(self.settings)
            self._limits = Limits().for_model(self.settings)
            await asyncio.get_running_loop().run_in_executor(_LOADERS, self._load_model_from_file, file_uri)
        except asyncio.CancelledError:
            # As an error of the load MLServer takes the model off its list; a cancelled load it would leave there.
            raise ModelLoadError(self.name, "the caller gave up before it was loaded") from None
        except InvalidModelURI as error:
            raise ModelLoadError(self.name, f"{_uri(self.settings)} does not exist") from error
        except (OSError, ValueError) as error:
            raise ModelLoadError(self.name, str(error)) from error
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno}"
            raise ModelLoadError(self.name, f"{where}: {type(error).__name__}: {short(error)}") from error
        if self._unloaded:
            return False
        seconds, size = perf_counter() - started, _size(file_uri)
        self._metrics = ModelMetrics(self.name, load_seconds=seconds, size_bytes=size)
        logger.info("loaded %d bytes in %.3f s", size, seconds)
        return True

    async def unload(self) -> bool:
        """Take the model's metrics away; its memory goes with the instance."""
        self._unloaded = True
        if self._metrics:
            self._metrics.forget()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer one request with the outputs it asks for, or all of them.

        Raises:
            InferenceError: the request is not one for this model (INVALID_ARGUMENT over gRPC, 400 over REST).
            PredictionError: the model's own code failed.
        """
        inline = bool(self.INLINE_ITEMS) and all(
            _is_small(each.data.root, self.INLINE_ITEMS) for each in payload.inputs
        )
        outputs = self._answer(payload) if inline else await asyncio.to_thread(self._answer, payload)
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    def _answer(self, payload: InferenceRequest) -> list[ResponseOutput]:
        started = perf_counter()
        try:
            wanted = self._wanted(payload)
            checked = self._check_request(payload)
            outputs = self._predict_outputs(checked)
        except MLServerError:
            raise
        except Exception as error:
            failed = PredictionError(self.name, error)
            logger.error("%s", failed, exc_info=error)
            raise failed from error
        if self._metrics:
            self._metrics.items.inc(max((len(each.data.root) for each in checked.inputs), default=0))
            self._metrics.seconds.observe(perf_counter() - started)
        if not wanted:
            return outputs
        by_name = {output.name: output for output in outputs}
        return [by_name[name] for name in wanted]

    @abstractmethod
    def _load_model_from_file(self, file_uri: str) -> None:
        """Read the model into the instance. A ValueError or OSError tells the user what is wrong with which file.

        Args:
            file_uri: path of the file or directory that the puller fetched, or a URI of another scheme as it stands
                in the model's settings.
        """

    def _check_request(self, payload: InferenceRequest) -> InferenceRequest:
        """Return the request with its inputs as `_predict_outputs` wants them.

        This one does all that INPUTS declare, and turns texts into str; override it to check more, and call it first.

        Raises:
            InferenceError: names the tensor, what was expected and what came.
        """
        check_request(self.INPUTS, payload, self._limits)
        return payload

    @abstractmethod
    def _predict_outputs(self, payload: InferenceRequest) -> list[ResponseOutput]:
        """Compute all outputs of a checked request. Called from several threads at once."""

    def values(self, payload: InferenceRequest, name: str) -> list[Any]:
        """All elements of one input of a checked request, row by row: str, bytes, int, float or bool."""
        return next(each.data.root for each in payload.inputs if each.name == name)

    def output(self, name: str, values: list[Any], shape: list[int] | None = None) -> ResponseOutput:
        """Make one of the declared outputs; its shape is [len(values)] unless given."""
        return self._outputs[name].output(values, shape)

    def _wanted(self, payload: InferenceRequest) -> list[str]:
        wanted = [output.name for output in payload.outputs or ()]
        # A few bytes ask for a whole output.
        if len(wanted) > len(self._outputs):
            raise InferenceError(f"outputs: expected {len(self._outputs)} at the most, got {len(wanted)}")
        for name in wanted:
            if name not in self._outputs:
                raise InferenceError(f'output "{short(name)}": expected one of {", ".join(self._outputs)}')
        return wanted


def _is_small(data: Any, items: int) -> bool:
    if not isinstance(data, list) or len(data) > items:
        return False
    if data and isinstance(data[0], list):  # rows, which may hold anything
        return False
    return sum(len(each) for each in data if isinstance(each, str | bytes)) <= _INLINE_BYTES


def _uri(settings: ModelSettings) -> str:
    return (settings.parameters and settings.parameters.uri) or "parameters.uri"


def _size(file_uri: str) -> int:
    path = Path(file_uri)
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    # The adapter lays a directory out as a link, which a walk follows only at its start.
    files = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    return sum(file.stat().st_size for file in files if file.is_file())
