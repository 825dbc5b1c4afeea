"""Prometheus metrics of each model from its load to its unload, in addition to MLServer's.

What a model's code records with `mlserver.register` and `mlserver.log` is among them.

The series of a model are removed at its unload, including MLServer's; otherwise a server would accumulate series as
models come and go.
"""

from functools import cache
from typing import NamedTuple

from mlserver.handlers import DataPlane
from mlserver.metrics import REGISTRY as _MODELS_OWN
from mlserver.metrics.context import SELDON_MODEL_NAME_LABEL
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Summary
from prometheus_client.metrics import MetricWrapperBase

OF_MODELS = _MODELS_OWN
"""Metrics that the code of models registers with MLServer."""
_LABEL = "model"
_MLSERVERS = ("model_infer_request_success", "model_infer_request_failure", "model_infer_request_duration")
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class _Metrics(NamedTuple):
    items: Counter
    seconds: Histogram
    load_seconds: Gauge
    size_bytes: Gauge


@cache  # created late: with parallel workers, MLServer has to configure the shared folder first
def _metrics() -> _Metrics:
    return _Metrics(
        items=Counter("model_items_total", "Elements in the requests of the model", [_LABEL]),
        seconds=Histogram("model_predict_seconds", "Time from request to outputs", [_LABEL], buckets=_SECONDS),
        load_seconds=Gauge("model_load_seconds", "Duration of the last load", [_LABEL]),
        size_bytes=Gauge("model_size_bytes", "Size of the model's files", [_LABEL]),
    )


class ModelMetrics:
    """Series of one loaded model.

    Args:
        model: Name of the model.
        load_seconds: Duration of its load.
        size_bytes: Size of its files.
    """

    _current: dict[str, "ModelMetrics"] = {}  # noqa: RUF012  (by name, for the whole server)

    def __init__(self, model: str, *, load_seconds: float, size_bytes: int) -> None:
        self._model = model
        metrics = _metrics()
        self.items = metrics.items.labels(model)
        self.seconds = metrics.seconds.labels(model)
        metrics.load_seconds.labels(model).set(load_seconds)
        metrics.size_bytes.labels(model).set(size_bytes)
        self._current[model] = self

    def forget(self) -> None:
        """Remove the series, unless a newer model of the same name uses them."""
        if self._current.get(self._model) is not self:
            return
        del self._current[self._model]
        for metric in _metrics():
            metric.remove(self._model)
        forget_mlservers(self._model)


class MLServersSeries(NamedTuple):
    """MLServer's counters and timers of a model's predictions."""

    success: Counter
    failure: Counter
    duration: Summary


_mlservers: dict[str, dict[str, MLServersSeries]] = {}


def mlservers(plane: DataPlane, model: str, version: str) -> MLServersSeries:
    """MLServer's series of a model and a version of it, cached because looking them up is slow."""
    versions = _mlservers.setdefault(model, {})
    if version not in versions:
        versions[version] = MLServersSeries(
            success=plane._ModelInferRequestSuccess.labels(model, version),
            failure=plane._ModelInferRequestFailure.labels(model, version),
            duration=plane._ModelInferRequestDuration.labels(model, version),
        )
    return versions[version]


def forget_mlservers(model: str) -> None:
    """Remove the series of a model that MLServer and the model's code have created."""
    _mlservers.pop(model, None)
    for own in {*OF_MODELS._names_to_collectors.values()}:
        if isinstance(own, MetricWrapperBase):
            own.remove_by_labels({SELDON_MODEL_NAME_LABEL: model})
    for name in _MLSERVERS:
        # The registry has no other way to find a metric by name.
        theirs = REGISTRY._names_to_collectors.get(name)
        if isinstance(theirs, MetricWrapperBase):
            theirs.remove_by_labels({_LABEL: model})
