"""What Prometheus is told of each model, from its load to its unload; MLServer's own metrics come besides.

It owns the series' lives: those of a model that was unloaded go with it, MLServer's too, or a server on which models
come and go would grow for ever.
"""

from functools import cache
from typing import NamedTuple

from mlserver.handlers import DataPlane
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Summary
from prometheus_client.metrics import MetricWrapperBase

_LABEL = "model"
_MLSERVERS = ("model_infer_request_success", "model_infer_request_failure", "model_infer_request_duration")
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class _Metrics(NamedTuple):
    items: Counter
    seconds: Histogram
    load_seconds: Gauge
    size_bytes: Gauge


@cache  # made late: with parallel workers MLServer first has to say where the values are shared
def _metrics() -> _Metrics:
    return _Metrics(
        items=Counter("model_items_total", "Elements that the model was asked about", [_LABEL]),
        seconds=Histogram("model_predict_seconds", "Time from request to outputs", [_LABEL], buckets=_SECONDS),
        load_seconds=Gauge("model_load_seconds", "Time that the last load took", [_LABEL]),
        size_bytes=Gauge("model_size_bytes", "Size of the model's files", [_LABEL]),
    )


class ModelMetrics:
    """The series of one loaded model.

    Args:
        model: its name.
        load_seconds: how long it took to load.
        size_bytes: of its files.
    """

    _current: dict[str, "ModelMetrics"] = {}  # noqa: RUF012  (by name, of the whole server)

    def __init__(self, model: str, *, load_seconds: float, size_bytes: int) -> None:
        self._model = model
        metrics = _metrics()
        self.items = metrics.items.labels(model)
        self.seconds = metrics.seconds.labels(model)
        metrics.load_seconds.labels(model).set(load_seconds)
        metrics.size_bytes.labels(model).set(size_bytes)
        self._current[model] = self

    def forget(self) -> None:
        """Take the series away, unless a newer model of that name goes on with them."""
        if self._current.get(self._model) is not self:
            return
        del self._current[self._model]
        for metric in _metrics():
            metric.remove(self._model)
        forget_mlservers(self._model)


class MLServersSeries(NamedTuple):
    """What MLServer itself counts and times of a model's predictions."""

    success: Counter
    failure: Counter
    duration: Summary


_mlservers: dict[str, dict[str, MLServersSeries]] = {}


def mlservers(plane: DataPlane, model: str, version: str) -> MLServersSeries:
    """MLServer's own series of a model and a version of it; found once, as looking them up takes its time."""
    versions = _mlservers.setdefault(model, {})
    if version not in versions:
        versions[version] = MLServersSeries(
            success=plane._ModelInferRequestSuccess.labels(model, version),
            failure=plane._ModelInferRequestFailure.labels(model, version),
            duration=plane._ModelInferRequestDuration.labels(model, version),
        )
    return versions[version]


def forget_mlservers(model: str) -> None:
    """Take away the series that MLServer itself keeps of a model."""
    _mlservers.pop(model, None)
    for name in _MLSERVERS:
        # The registry finds a metric by name only here.
        theirs = REGISTRY._names_to_collectors.get(name)
        if isinstance(theirs, MetricWrapperBase):
            theirs.remove_by_labels({_LABEL: model})
