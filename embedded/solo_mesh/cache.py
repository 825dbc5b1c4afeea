"""Models in the runtime's memory, loaded on demand and evicted least recently used first.

Space is counted in units of 8 KiB. A copy is queued, loading, loaded or failed; the space of an unloaded copy counts
until the runtime has released it. A model is never loaded and unloaded at the same time.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto

from . import metrics
from .records import ModelInfo
from .runtime import Limits, LoadError, Runtime, UnloadError

log = logging.getLogger(__name__)

UNIT = 8 * 1024


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Timeouts and intervals in seconds, as in the real server; tests shorten them."""

    failure_memory: float = 900.0  # how long a failed load is not retried …
    failure_memory_in_use: float = 450.0  # … and if the model was used within the last `in_use` seconds
    in_use: float = 180.0
    cleanup_after_failure: float = 1.0
    cleanup_after_timeout: float = 3.0
    unload_retry: float = 10.0
    unload_tries: int = 90
    wait_for_space: float = 180.0
    churn_floor: float = 30.0  # nothing is evicted while the oldest copy was used more recently than this
    finish_requests: float = 60.0  # how long an unload waits for requests in flight


class State(Enum):
    """Loading state of a copy."""

    QUEUED = auto()
    LOADING = auto()
    LOADED = auto()
    FAILED = auto()


@dataclass(eq=False)
class Copy:
    """One model in the memory of the runtime, or on its way there; times are in ms since the epoch."""

    model_id: str
    info: ModelInfo
    last_used: int
    settled: asyncio.Future[None]  # done once loaded or failed
    state: State = State.QUEUED
    since: int = field(default_factory=lambda: int(time.time() * 1000))
    units: int = 0
    error: str = ""
    in_flight: int = 0
    slots: asyncio.Semaphore | None = None


class Cache:
    """Copies by model id, a queue of loads, and the memory units that they occupy.

    `on_change` is called with the id of a model whose copy was added, removed or has failed.
    """

    def __init__(
        self, runtime: Runtime, limits: Limits, on_change: Callable[[str], None], timing: Timing | None = None
    ) -> None:
        self._runtime = runtime
        self._limits = limits
        self._on_change = on_change
        self._timing = timing or Timing()
        self._queue: asyncio.PriorityQueue[tuple[int, int, Copy]] = asyncio.PriorityQueue()
        self._order = itertools.count()
        self._unloading: dict[str, asyncio.Task[None]] = {}
        self._unloading_units: dict[str, int] = {}
        self.copies: dict[str, Copy] = {}
        self.capacity = limits.capacity // UNIT
        # Part of the memory is reserved for models that are being unloaded, so that a load need not wait for them.
        parts = 2 if limits.loading_concurrency <= 2 else 4
        reserve = _units(limits.loading_concurrency * limits.default_size // parts)
        self.usable = self.capacity - min(max(reserve, self.capacity // 100), self.capacity // 10)

    async def run(self) -> None:
        """Load queued models forever, as many at a time as the runtime allows."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._limits.loading_concurrency):
                group.create_task(self._loader())

    @property
    def used(self) -> int:
        """Units occupied by copies, except for those that are being unloaded."""
        return sum(copy.units for copy in self.copies.values())

    @property
    def room(self) -> int:
        """Number of models of the runtime's default size that fit into empty memory."""
        return self.usable // _units(self._limits.default_size)

    def of_state(self, state: State) -> list[Copy]:
        """Copies in this state."""
        return [copy for copy in self.copies.values() if copy.state is state]

    def load(self, model_id: str, info: ModelInfo, *, last_used: int, urgent: bool = False) -> Copy:
        """The model's copy, queued if there was none; `urgent` puts it at the head of the queue."""
        copy = self.copies.get(model_id)
        if copy is None:
            copy = Copy(model_id, info, last_used, asyncio.get_running_loop().create_future())
            self.copies[model_id] = copy
            self._enqueue(copy, urgent)
        elif copy.state is State.QUEUED and urgent:
            self._enqueue(copy, urgent)
        copy.last_used = max(copy.last_used, last_used)
        return copy

    @asynccontextmanager
    async def use(self, model_id: str, info: ModelInfo) -> AsyncIterator[Copy]:
        """Provide a loaded copy for one request, waiting for its load if necessary."""
        copy = await self._loaded(model_id, info)
        copy.in_flight += 1
        try:
            if copy.slots is None:
                yield copy
            else:
                async with copy.slots:
                    yield copy
        finally:
            copy.in_flight -= 1
            copy.last_used = now_ms()

    async def _loaded(self, model_id: str, info: ModelInfo) -> Copy:
        while True:
            copy = self.load(model_id, info, last_used=now_ms(), urgent=True)
            if copy.state is State.LOADED:
                return copy
            if copy.state is not State.FAILED:
                with metrics.timed(metrics.CACHE_MISS):
                    await asyncio.shield(copy.settled)
            if copy.state is State.FAILED:
                raise LoadError(copy.error)

    def drop(self, model_id: str) -> None:
        """Unload a copy that was evicted, deleted, or lost by the runtime."""
        if copy := self.copies.pop(model_id, None):
            if copy.state in (State.LOADING, State.LOADED):
                self._start_unload(copy)
            elif not copy.settled.done():
                _fail(copy, "model was deleted while it waited to be loaded")
            self._on_change(model_id)

    def forget_failures(self) -> None:
        """Allow retries of failed loads once their timeout is over."""
        for copy in self.of_state(State.FAILED):
            in_use = now_ms() - copy.last_used < self._timing.in_use * 1000
            memory = self._timing.failure_memory_in_use if in_use else self._timing.failure_memory
            if now_ms() - copy.since > memory * 1000:
                self.drop(copy.model_id)

    def _enqueue(self, copy: Copy, urgent: bool) -> None:
        item = (0 if urgent else 1, next(self._order), copy)
        if unload := self._unloading.get(copy.model_id):
            unload.add_done_callback(lambda _: self._queue.put_nowait(item))
        else:
            self._queue.put_nowait(item)

    async def _loader(self) -> None:
        while True:
            _, _, copy = await self._queue.get()
            if copy.state is State.QUEUED and self.copies.get(copy.model_id) is copy:
                await self._load(copy)

    async def _load(self, copy: Copy) -> None:
        metrics.LOADING_QUEUE_DELAY.observe(now_ms() - copy.since)
        copy.state, copy.since, started = State.LOADING, now_ms(), time.monotonic()
        cleanup = self._timing.cleanup_after_failure
        try:
            await self._reserve(copy, _units(self._limits.default_size))
            async with asyncio.timeout(self._limits.loading_seconds):
                loaded = await self._runtime.load(copy.model_id, copy.info)
            copy.units = _units(loaded.sizeInBytes or await self._runtime.measure(copy.model_id)) or copy.units
        except LoadError as error:
            _fail(copy, str(error))
        except TimeoutError:
            cleanup = self._timing.cleanup_after_timeout
            _fail(copy, f"loading took longer than the runtime's limit of {self._limits.loading_seconds:g} s")
        else:
            if self._limits.limit_model_concurrency and loaded.maxConcurrency:
                copy.slots = asyncio.Semaphore(loaded.maxConcurrency)
            copy.state, copy.since = State.LOADED, now_ms()
            metrics.LOAD.observe((time.monotonic() - started) * 1000)
            log.info("loaded %s in %.2f s, %d units", copy.model_id, time.monotonic() - started, copy.units)
        if copy.state is State.FAILED:
            metrics.LOAD_FAILURE.inc()
            log.warning("loading %s failed: %s", copy.model_id, copy.error)
            if self.copies.get(copy.model_id) is copy:
                self._start_unload(copy, cleanup)  # frees the memory of an interrupted load
            copy.units = 0
        if not copy.settled.done():
            copy.settled.set_result(None)
        self._on_change(copy.model_id)
        await self._evict_until(0, keep=copy)  # its real size may exceed the reservation

    async def _reserve(self, copy: Copy, units: int) -> None:
        """Make room for this number of units, waiting until evicted copies are unloaded."""
        if units > self.usable:
            raise LoadError(f"model needs {units * UNIT} bytes, but only {self.usable * UNIT} can be used for models")
        if not await self._evict_until(units, keep=copy):
            raise LoadError("not enough space: the models in memory are all being loaded")
        copy.units = units
        deadline = time.monotonic() + self._timing.wait_for_space
        while self.used + sum(self._unloading_units.values()) > self.capacity:
            if time.monotonic() > deadline:
                raise LoadError(f"no space after {self._timing.wait_for_space:g} s: models do not unload")
            if self._unloading:
                await asyncio.wait(list(self._unloading.values()), timeout=1, return_when=asyncio.FIRST_COMPLETED)
            elif not await self._evict_until(0, keep=copy):  # a model that was loaded meanwhile exceeds the memory
                await asyncio.sleep(0.1)

    async def _evict_until(self, units: int, keep: Copy) -> bool:
        """Evict the least recently used copies until so many units are free; False if nothing is left to evict."""
        while self.used + units > self.usable:
            candidates = [copy for copy in self.of_state(State.LOADED) if copy is not keep]
            if not candidates:
                return False
            oldest = min(candidates, key=lambda copy: copy.last_used)
            age = (now_ms() - oldest.last_used) / 1000
            least = max(self._timing.churn_floor, 10 * self._limits.loading_seconds / 3)
            if units and age < least:
                raise LoadError(
                    f"Cache churn threshold exceeded: memory is full and even its oldest model, {oldest.model_id},"
                    f" was used {age:.0f} s ago (less than {least:.0f} s)"
                )
            metrics.AGE_AT_EVICTION.observe(age * 1000)
            log.info("evicting %s, last used %.0f s ago", oldest.model_id, age)
            self.drop(oldest.model_id)
        return True

    def _start_unload(self, copy: Copy, delay: float = 0.0) -> None:
        model_id, earlier = copy.model_id, self._unloading.get(copy.model_id)
        task = asyncio.create_task(self._unload(copy, delay, earlier))
        self._unloading[model_id] = task
        self._unloading_units[model_id] = self._unloading_units.get(model_id, 0) + copy.units

        def finished(_: asyncio.Task[None]) -> None:
            if self._unloading.get(model_id) is task:
                del self._unloading[model_id], self._unloading_units[model_id]

        task.add_done_callback(finished)

    async def _unload(self, copy: Copy, delay: float, earlier: asyncio.Task[None] | None) -> None:
        if earlier:
            await asyncio.wait([earlier])
        if not copy.settled.done():
            await asyncio.wait([copy.settled])
        await asyncio.sleep(delay)
        deadline = time.monotonic() + self._timing.finish_requests
        while copy.in_flight and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        for attempt in range(1, self._timing.unload_tries + 1):
            try:
                with metrics.timed(metrics.UNLOAD):
                    await self._runtime.unload(copy.model_id)
                log.info("unloaded %s", copy.model_id)
                return
            except UnloadError as error:
                metrics.UNLOAD_ATTEMPT_FAILURE.inc()
                log.warning("unloading %s failed (try %d): %s", copy.model_id, attempt, error)
                await asyncio.sleep(self._timing.unload_retry)
        metrics.UNLOAD_FAILURE.inc()


def now_ms() -> int:
    """Current time in ms since the epoch, as in the API and in etcd."""
    return int(time.time() * 1000)


def _units(size: int) -> int:
    return -(-size // UNIT)


def _fail(copy: Copy, error: str) -> None:
    copy.state, copy.since, copy.error = State.FAILED, now_ms(), error
    if not copy.settled.done():
        copy.settled.set_result(None)
