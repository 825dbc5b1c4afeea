"""Metrics with the real server's names, as far as they apply to one pod without placement, and a build info metric.

Durations are in milliseconds, as in the names and in upstream's dashboards.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from . import NAME, STANDS_IN_FOR, VERSION

_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000)
_BYTES = (256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216)
_AGE_MS = (60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000, 604_800_000)


class Timer:
    """A histogram of milliseconds."""

    def __init__(self, name: str, text: str, registry: CollectorRegistry, buckets: tuple[int, ...] = _MS) -> None:
        self._histogram = Histogram(name, text, registry=registry, buckets=buckets)

    def observe(self, milliseconds: float) -> None:
        """Add one duration in milliseconds."""
        self._histogram.observe(milliseconds)

    @contextmanager
    def time(self) -> Iterator[None]:
        """Add the duration of the block."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.observe((time.monotonic() - started) * 1000)


class Metrics:
    """All metrics, in a separate registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        labels = ("method", "code")
        Info("solo_mesh", "A stand-in for the ModelMesh server: one pod per runtime", registry=registry).info(
            {"name": NAME, "version": VERSION, "stands_in_for": STANDS_IN_FOR}
        )
        self.api_request = Histogram(
            "modelmesh_api_request_milliseconds", "Inference requests", labels, registry=registry, buckets=_MS
        )
        self.invoke_model = Histogram(
            "modelmesh_invoke_model_milliseconds",
            "Calls to the runtime",
            labels,
            registry=registry,
            buckets=_MS,
        )
        self.request_size = Histogram(
            "modelmesh_request_size_bytes", "Request payloads", labels, registry=registry, buckets=_BYTES
        )
        self.response_size = Histogram(
            "modelmesh_response_size_bytes", "Response payloads", labels, registry=registry, buckets=_BYTES
        )
        self.cache_miss = Timer("modelmesh_cache_miss_milliseconds", "Requests that waited for a load", registry)
        self.loading_queue_delay = Timer("modelmesh_loading_queue_delay_milliseconds", "Waiting to be loaded", registry)
        self.load = Timer("modelmesh_loadmodel_milliseconds", "Loads", registry)
        self.load_failure = Counter("modelmesh_loadmodel_failure", "Loads that failed", registry=registry)
        self.unload = Timer("modelmesh_unloadmodel_milliseconds", "Unloads", registry)
        self.unload_failure = Counter("modelmesh_unloadmodel_failure", "Unloads given up", registry=registry)
        self.unload_attempt_failure = Counter(
            "modelmesh_unloadmodel_attempt_failure", "Tries to unload that failed", registry=registry
        )
        self.age_at_eviction = Timer(
            "modelmesh_age_at_eviction_milliseconds", "Time since last use at eviction", registry, _AGE_MS
        )
        self.models_managed = Gauge("modelmesh_models_managed_total", "Models registered", registry=registry)
        self.models_loaded = Gauge("modelmesh_models_loaded_total", "Models loaded anywhere", registry=registry)
        self.models_failed = Gauge("modelmesh_models_with_failure_total", "Models that failed", registry=registry)
        self.instance_models = Gauge("modelmesh_instance_models_total", "Models in this pod", registry=registry)
        self.capacity = Gauge("modelmesh_instance_capacity_bytes", "Space for models", registry=registry)
        self.used = Gauge("modelmesh_instance_used_bytes", "Space taken by models", registry=registry)

    def render(self) -> bytes:
        """Metrics in Prometheus' text format."""
        return generate_latest(self.registry)


METRICS = Metrics()
