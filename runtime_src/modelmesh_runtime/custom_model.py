"""Base class of a custom model server: a subclass declares its tensors and implements three methods.

The class defines the sequence (load, check, predict), the threads, the metrics, and the conversion of errors to
responses. It contains nothing specific to a model: a subclass reads the files and computes the outputs.

Loads, and predictions of more than a few elements, run in a worker thread, because MLServer answers health checks, the
adapter and all other models from one event loop. MLServer marks a model as ready only when `load` has returned, and
keeps serving the old one while it replaces a model.
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

from .limits import Limits
from .metrics import ModelMetrics
from .tensors import Tensor, check_request, short

_INLINE_BYTES = 16 * 1024
# Separate from prediction threads: an abandoned load still runs to its end.
_LOADERS = ThreadPoolExecutor(thread_name_prefix="load")


class ModelLoadError(MLServerError):
    """The files of a model cannot be served: FAILED_PRECONDITION over gRPC, 422 over REST.

    The adapter passes the message to the InferenceService's `status.modelStatus.lastFailureInfo`.
    """

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"Model {model} cannot be loaded: {reason}", HTTPStatus.UNPROCESSABLE_ENTITY)


class PredictionError(MLServerError):
    """The model's code failed: INTERNAL over gRPC, 500 over REST. The log contains the traceback."""

    def __init__(self, model: str, error: Exception) -> None:
        reason = f"Model {model} failed with {type(error).__name__}; see the server's log"
        super().__init__(reason, HTTPStatus.INTERNAL_SERVER_ERROR)


class CustomMLModel(MLModel, ABC):
    """An MLServer model made of declared tensors and `_load_model_from_file`, `_check_request`, `_predict_outputs`.

    Subclasses keep the state of a model in the instance, since one server holds many models. After an unload MLServer
    drops the instance, but requests in progress still finish.
    """

    INPUTS: ClassVar[tuple[Tensor, ...]]
    """Inputs of a request; others are rejected."""
    OUTPUTS: ClassVar[tuple[Tensor, ...]]
    """Outputs of `_predict_outputs`, in this order."""
    INLINE_ITEMS: ClassVar[int] = 0
    """Largest number of elements to predict on the event loop, for models where a thread would cost more.

    The event loop is blocked meanwhile, so this is for microseconds per element.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.inputs = [tensor.metadata for tensor in self.INPUTS]
        self.outputs = [tensor.metadata for tensor in self.OUTPUTS]
        self._outputs = {tensor.name: tensor for tensor in self.OUTPUTS}
        self._metrics: ModelMetrics | None = None
        self._unloaded = False

    async def load(self) -> bool:
        """Load the model that the settings name; false if it was unloaded meanwhile.

        Raises:
            ModelLoadError: The files are missing, unreadable or invalid, or the caller gave up.
        """
        started = perf_counter()
        try:
            file_uri = await get_model_uri(self.settings)
            self._limits = Limits().for_model(self.settings)
            await asyncio.get_running_loop().run_in_executor(_LOADERS, self._load_model_from_file, file_uri)
        except asyncio.CancelledError:
            # MLServer removes a model from its list after an error of the load, but not after a cancelled load.
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
        """Remove the model's metrics; its memory is freed with the instance."""
        self._unloaded = True
        if self._metrics:
            self._metrics.forget()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer one request with the requested outputs, or all of them.

        Raises:
            InferenceError: The request is invalid for this model (INVALID_ARGUMENT over gRPC, 400 over REST).
            PredictionError: The model's code failed.
        """
        inline = bool(self.INLINE_ITEMS) and all(
            _is_small(each.data.root, self.INLINE_ITEMS) for each in payload.inputs
        )
        outputs = self._answer(payload) if inline else await asyncio.to_thread(self._answer, payload)
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    def _answer(self, payload: InferenceRequest) -> list[ResponseOutput]:
        started = perf_counter()
        try:
            requested = self._requested_outputs(payload)
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
        if not requested:
            return outputs
        by_name = {output.name: output for output in outputs}
        return [by_name[name] for name in requested]

    @abstractmethod
    def _load_model_from_file(self, file_uri: str) -> None:
        """Read the model into the instance. A ValueError or OSError is reported to the user as the reason.

        Args:
            file_uri: Path of the file or directory that the puller fetched, or a URI of another scheme from the model's
                settings.
        """

    def _check_request(self, payload: InferenceRequest) -> InferenceRequest:
        """Validate the request and decode its inputs for `_predict_outputs`.

        This implementation checks everything that INPUTS declare, and decodes texts to str. Overrides should call it
        first and add checks.

        Raises:
            InferenceError: The request is invalid; the message has the tensor, the expected and the given value.
        """
        check_request(self.INPUTS, payload, self._limits)
        return payload

    @abstractmethod
    def _predict_outputs(self, payload: InferenceRequest) -> list[ResponseOutput]:
        """Compute all outputs of a checked request. Must be thread-safe."""

    def values(self, payload: InferenceRequest, name: str) -> list[Any]:
        """All elements of one input of a checked request, row by row: str, bytes, int, float or bool."""
        return next(each.data.root for each in payload.inputs if each.name == name)

    def output(self, name: str, values: list[Any], shape: list[int] | None = None) -> ResponseOutput:
        """Create one of the declared outputs; its shape is [len(values)] by default."""
        return self._outputs[name].output(values, shape)

    def _requested_outputs(self, payload: InferenceRequest) -> list[str]:
        requested = [output.name for output in payload.outputs or ()]
        # A request of a few bytes can ask for large outputs.
        if len(requested) > len(self._outputs):
            raise InferenceError(f"outputs: expected at most {len(self._outputs)}, got {len(requested)}")
        for name in requested:
            if name not in self._outputs:
                raise InferenceError(f'output "{short(name)}": expected one of {", ".join(self._outputs)}')
        return requested


def _is_small(data: Any, items: int) -> bool:
    if not isinstance(data, list) or len(data) > items:
        return False
    if data and isinstance(data[0], list):  # rows of arbitrary content
        return False
    return sum(len(each) for each in data if isinstance(each, str | bytes)) <= _INLINE_BYTES


def _uri(settings: ModelSettings) -> str:
    return (settings.parameters and settings.parameters.uri) or "parameters.uri"


def _size(file_uri: str) -> int:
    path = Path(file_uri)
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    # The adapter links to the model's directory, and os.walk only follows a link at its start.
    files = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    return sum(file.stat().st_size for file in files if file.is_file())
