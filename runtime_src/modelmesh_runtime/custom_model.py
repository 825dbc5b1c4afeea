"""Base class of a custom model server: a subclass declares its tensors and implements two or three methods.

The class defines the sequence (load, check, predict), the threads, the metrics, and the conversion of errors to
responses. It contains nothing specific to a model: a subclass reads the files and computes the outputs.

Loads, and predictions of more than a few elements, run in a worker thread, because MLServer answers health checks, the
adapter and all other models from one event loop. MLServer marks a model as ready only when `load` has returned, and
keeps serving the old one while it replaces a model.
"""

import asyncio
import inspect
import os
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from http import HTTPStatus
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from mlserver import MLModel
from mlserver.context import model_context
from mlserver.errors import InferenceError, InvalidModelURI, MLServerError
from mlserver.logging import logger
from mlserver.settings import ModelSettings
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput, TensorData
from mlserver.utils import get_model_uri

from . import patches
from .inputs import check_request, named_sizes
from .limits import HOW_TO_RAISE, most_bytes
from .messages import made
from .metrics import ModelMetrics
from .outputs import output_of
from .tensors import Sizes, Tensor, check_tensors, short

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
    """The model's code failed, or returned something else than it declares: INTERNAL over gRPC, 500 over REST."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"Model {model} failed: {reason}", HTTPStatus.INTERNAL_SERVER_ERROR)


class CustomMLModel(MLModel, ABC):
    """An MLServer model made of declared tensors and `_load_model_from_file`, `_check_request`, `_predict_outputs`.

    Subclasses keep the state of a model in the instance, since one server holds many models. After an unload MLServer
    drops the instance, but requests in progress still finish.

    Raises:
        ValueError: A subclass is wrong; raised when it is defined, so that the server does not start.
    """

    INPUTS: ClassVar[tuple[Tensor, ...]] = ()
    """Inputs of a request; others are rejected. `declare` replaces them for one model."""
    OUTPUTS: ClassVar[tuple[Tensor, ...]] = ()
    """Outputs of `_predict_outputs`, in this order."""
    INLINE_ITEMS: ClassVar[int] = 0
    """Largest number of elements to predict on the event loop, for models where a thread would cost more.

    The event loop is blocked meanwhile, so this is for microseconds per element.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("_load_model_from_file", "_check_request", "_predict_outputs"):
            if inspect.iscoroutinefunction(getattr(cls, name)):
                raise ValueError(f"{cls.__name__}.{name}: expected def, got async def; it runs in a thread")
        for name, instead in (("load", "_load_model_from_file"), ("predict", "_predict_outputs")):
            if getattr(cls, name) is not getattr(CustomMLModel, name):
                raise ValueError(f"{cls.__name__}.{name}: expected {instead} instead, which {name} calls")
        check_tensors(f"{cls.__name__}.INPUTS", cls.INPUTS)
        check_tensors(f"{cls.__name__}.OUTPUTS", cls.OUTPUTS, optional=False)

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.declare(self.INPUTS, self.OUTPUTS)
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
            with model_context(self.settings):  # for the metrics and logs of the model's code
                run = copy_context().run
            await asyncio.get_running_loop().run_in_executor(_LOADERS, run, self._load_model_from_file, file_uri)
            self._check_loaded()
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

    def declare(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        """Set the tensors of this model, to be called in `_load_model_from_file` if its files determine them.

        Raises:
            ValueError: They are wrong.
        """
        where = type(self).__name__
        self._inputs = check_tensors(f"{where}: inputs", inputs)
        self._outputs = {each.name: each for each in check_tensors(f"{where}: outputs", outputs, optional=False)}
        self.inputs = [tensor.metadata for tensor in self._inputs]
        self.outputs = [tensor.metadata for tensor in self._outputs.values()]

    def _check_loaded(self) -> None:
        if not self._outputs:
            reason = "expected outputs, got none: set OUTPUTS, or call declare in _load_model_from_file"
            raise ValueError(f"{type(self).__name__}: {reason}")
        least, most = sum(tensor.least_bytes for tensor in self._inputs if not tensor.optional), most_bytes()
        if most is not None and least > most:
            raise ValueError(f"a request has at least {least} bytes, expected at most {most}; {HOW_TO_RAISE}")

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
        if not patches.installed():  # MLServer itself only sends lists
            for each in outputs:
                values = each.data.root
                each.data = TensorData(root=values.tolist() if isinstance(values, np.ndarray) else values)
        return made(
            InferenceResponse,
            model_name=self.name,
            model_version=self.version,
            id=None,
            parameters=None,
            outputs=outputs,
        )

    def _answer(self, payload: InferenceRequest) -> list[ResponseOutput]:
        started = perf_counter()
        try:
            requested = self._requested_outputs(payload)
            checked = self._check_request(payload)
            sizes = named_sizes(self._inputs, checked)
            outputs = self._checked_outputs(self._predict_outputs(checked), sizes)
        except MLServerError as error:
            if isinstance(error, PredictionError):
                logger.error("%s", error)
            raise
        except Exception as error:
            failed = PredictionError(self.name, f"{type(error).__name__}; see the server's log")
            logger.error("%s", failed, exc_info=error)
            raise failed from error
        if self._metrics:
            self._metrics.items.inc(max((_count(each.data.root) for each in checked.inputs), default=0))
            self._metrics.seconds.observe(perf_counter() - started)
        return [outputs[name] for name in requested or self._outputs]

    def _checked_outputs(self, returned: Any, sizes: Sizes) -> dict[str, ResponseOutput]:
        """Everything that the model's code returned, held against the declaration."""
        if isinstance(returned, list | tuple) and all(isinstance(each, ResponseOutput) for each in returned):
            names = [each.name for each in returned]
            values = {each.name: (each.data.root, each.shape) for each in returned}
        elif isinstance(returned, Mapping):
            names, values = [*returned], {name: (value, None) for name, value in returned.items()}
        else:
            expected = "a dict of values by output, or a list of ResponseOutputs"
            raise PredictionError(self.name, f"outputs: expected {expected}, got {type(returned).__name__}")
        if len(names) != len(self._outputs) or {*names} != self._outputs.keys():
            expected, given = (", ".join(f'"{name}"' for name in each) or "none" for each in (self._outputs, names))
            raise PredictionError(self.name, f"outputs: expected {expected}, got {short(given)}")
        try:
            return {name: output_of(tensor, *values[name], sizes) for name, tensor in self._outputs.items()}
        except ValueError as error:
            reason = str(error)
        raise PredictionError(self.name, reason)  # without a cause, which would put a payload into the log

    @abstractmethod
    def _load_model_from_file(self, file_uri: str) -> None:
        """Read the model into the instance. A ValueError or OSError is reported to the user as the reason.

        Args:
            file_uri: Path of the file or directory that the puller fetched, or a URI of another scheme from the model's
                settings.
        """

    def _check_request(self, payload: InferenceRequest) -> InferenceRequest:
        """Validate the request and decode its inputs for `_predict_outputs`.

        This implementation checks everything that the inputs declare, and makes arrays of numbers and str of texts.
        Overrides should call it first and add checks.

        Raises:
            InferenceError: The request is invalid; the message has the tensor, the expected and the given value.
        """
        check_request(self._inputs, payload, most_bytes())
        return payload

    @abstractmethod
    def _predict_outputs(self, payload: InferenceRequest) -> Mapping[str, Any] | list[ResponseOutput]:
        """Compute all outputs of a checked request: an array, a list or nested rows by name. Must be thread-safe."""

    def values(self, payload: InferenceRequest, name: str) -> Any:
        """One input of a checked request: a read-only array of numbers, or a list of str or bytes, row by row.

        An optional input that the request does not have is None.
        """
        return next((each.data.root for each in payload.inputs if each.name == name), None)

    def output(self, name: str, values: Any, shape: list[int] | None = None) -> ResponseOutput:
        """One of the declared outputs, for lists of ResponseOutputs; `shape` is that of `values` by default."""
        data: Any = made(TensorData, root=values)
        return made(ResponseOutput, name=name, datatype=None, shape=shape, data=data, parameters=None)

    def _requested_outputs(self, payload: InferenceRequest) -> list[str]:
        requested = [output.name for output in payload.outputs or ()]
        # A request of a few bytes can ask for large outputs.
        if len(requested) > len(self._outputs):
            raise InferenceError(f"outputs: expected at most {len(self._outputs)}, got {len(requested)}")
        for name in requested:
            if name not in self._outputs:
                raise InferenceError(f'output "{short(name)}": expected one of {", ".join(self._outputs)}')
        return requested


def _count(values: Any) -> int:
    """Number of elements; `np.size` would make an array of the longest text for each text of a list."""
    return values.size if isinstance(values, np.ndarray) else len(values)


def _is_small(data: Any, items: int) -> bool:
    if isinstance(data, np.ndarray):
        return data.size <= items
    if not isinstance(data, list) or len(data) > items:
        return False
    if not data or isinstance(data[0], float | int):  # the check refuses other elements without a look at their content
        return True
    if isinstance(data[0], list):  # rows of arbitrary content
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
