"""Metrics with the real server's names, as far as they apply to one pod without placement, and a build info metric.

Durations are in milliseconds, as in the names and in upstream's dashboards.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from . import NAME, STANDS_IN_FOR, VERSION

_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000)
_BYTES = (256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216)
_AGE_MS = (60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000, 604_800_000)
_CALL = ("method", "code")

_registry = CollectorRegistry()
_counter = partial(Counter, registry=_registry)
_gauge = partial(Gauge, registry=_registry)
_histogram = partial(Histogram, registry=_registry, buckets=_MS)

Info("solo_mesh", "A stand-in for the ModelMesh server: one pod per runtime", registry=_registry).info(
    {"name": NAME, "version": VERSION, "stands_in_for": STANDS_IN_FOR}
)
API_REQUEST = _histogram("modelmesh_api_request_milliseconds", "Inference requests", _CALL)
INVOKE_MODEL = _histogram("modelmesh_invoke_model_milliseconds", "Calls to the runtime", _CALL)
REQUEST_SIZE = _histogram("modelmesh_request_size_bytes", "Request payloads", _CALL, buckets=_BYTES)
RESPONSE_SIZE = _histogram("modelmesh_response_size_bytes", "Response payloads", _CALL, buckets=_BYTES)
CACHE_MISS = _histogram("modelmesh_cache_miss_milliseconds", "Requests that waited for a load")
LOADING_QUEUE_DELAY = _histogram("modelmesh_loading_queue_delay_milliseconds", "Waiting to be loaded")
LOAD = _histogram("modelmesh_loadmodel_milliseconds", "Loads")
LOAD_FAILURE = _counter("modelmesh_loadmodel_failure", "Loads that failed")
UNLOAD = _histogram("modelmesh_unloadmodel_milliseconds", "Unloads")
UNLOAD_FAILURE = _counter("modelmesh_unloadmodel_failure", "Unloads given up")
UNLOAD_ATTEMPT_FAILURE = _counter("modelmesh_unloadmodel_attempt_failure", "Tries to unload that failed")
AGE_AT_EVICTION = _histogram(
    "modelmesh_age_at_eviction_milliseconds", "Time since last use at eviction", buckets=_AGE_MS
)
MODELS_MANAGED = _gauge("modelmesh_models_managed_total", "Models registered")
MODELS_LOADED = _gauge("modelmesh_models_loaded_total", "Models loaded anywhere")
MODELS_FAILED = _gauge("modelmesh_models_with_failure_total", "Models that failed")
INSTANCE_MODELS = _gauge("modelmesh_instance_models_total", "Models in this pod")
CAPACITY = _gauge("modelmesh_instance_capacity_bytes", "Space for models")
USED = _gauge("modelmesh_instance_used_bytes", "Space taken by models")


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Add the milliseconds of the block to the histogram."""
    started = time.monotonic()
    try:
        yield
    finally:
        histogram.observe((time.monotonic() - started) * 1000)


def render() -> bytes:
    """Metrics in Prometheus' text format."""
    return generate_latest(_registry)
