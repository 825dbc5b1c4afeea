"""Wiring of one pod: the order of start, the tasks while serving, and the order of stop.

Start: etcd, runtime, models that were loaded before, gRPC, and only then ready, so that a new pod takes over from an
old one of the same runtime without a request waiting for a load. Stop: not ready, serve until the clients have
switched to another pod, end the calls in flight, release the runtime's preStop hooks, exit.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import grpc

from . import BANNER, metrics
from .cache import UNIT, Cache, State, Timing, now_ms
from .constraints import DataplaneConfig, TypeConstraints
from .dataplane import Dataplane
from .etcd import Connection, Etcd, EtcdError
from .http import Response, serve
from .management import Management
from .models import Models
from .peers import Peers
from .records import Instance
from .runtime import Runtime
from .settings import Settings
from .store import ConflictError, Store
from .tls import self_signed, server_credentials
from .vmodels import VModels

log = logging.getLogger(__name__)

_ETCD_SECONDS = 20.0
_PRELOAD_SECONDS = 120.0
_PUBLISH_SECONDS = 5.0
_TIDY_SECONDS = 1.0
_QUIET_SECONDS = 3.0  # a stopping pod has no clients left after this time without a call
_GRACE_SECONDS = 20.0  # for calls in flight
_HOOK_SECONDS = 1.0  # for the preStop hooks to get their answer
# Connections are renewed gracefully this often, so that clients leave a stopping pod and find new ones.
_CONNECTION_AGE_MS = 10_000


class Mesh:
    """One pod of the mesh, from start to stop."""

    def __init__(self, settings: Settings, timing: Timing | None = None) -> None:
        self._settings = settings
        self._timing = timing or Timing()
        self._started = now_ms()
        self.ready = False
        self._drained = asyncio.Event()
        self._advancing: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set and the clients are gone; errors during the start are raised."""
        log.info("%s", BANNER)
        async with AsyncExitStack() as stack:
            await self._run(stop, stack)

    async def _run(self, stop: asyncio.Event, stack: AsyncExitStack) -> None:
        settings = self._settings
        probes = {"/ready": self._readiness, "/live": self._liveness}
        await stack.enter_async_context(await serve(settings.probe_port, probes))
        await stack.enter_async_context(await serve(settings.prestop_port, {"/prestop": self._prestop}))

        connection = Connection.read(settings.etcd_connection)
        etcd, runtime = Etcd(connection), Runtime(settings.management_target)
        stack.push_async_callback(etcd.close)
        stack.push_async_callback(runtime.close)
        store = self._store = Store(etcd, connection.root_prefix, settings.key_prefix, settings.service)
        await store.connect(_ETCD_SECONDS)
        limits = await runtime.wait_until_ready()
        limits.check()
        log.info("runtime is ready: %s", limits)

        constraints = TypeConstraints(settings.type_constraints)
        cache = self._cache = Cache(runtime, limits, self._copy_changed, self._timing)
        models = self._models = Models(store, cache, constraints, settings)
        vmodels = self._vmodels = VModels(store, models, settings.default_owner)
        peers = Peers(store, constraints, settings)
        stack.push_async_callback(peers.close)
        store.listeners.append(lambda kind, item: models.forgotten(item) if kind == "registry" else None)
        dataplane = Dataplane(
            store=store,
            cache=cache,
            models=models,
            peers=peers,
            config=DataplaneConfig(settings.dataplane_config),
            limits=limits,
            runtime=await stack.enter_async_context(_runtime_channel(settings)),
            me=settings.instance,
            log_each_call=settings.log_each_call,
        )
        server = self._server(Management(store, models, vmodels, peers, settings.instance), dataplane)
        stack.push_async_callback(server.stop, None)

        async with asyncio.TaskGroup() as group:
            work = [group.create_task(task) for task in (store.follow(), cache.run(), models.run())]
            await store.publish(settings.instance, self._instance())
            work.append(group.create_task(_every(_PUBLISH_SECONDS, self._publish)))
            await models.preload(_PRELOAD_SECONDS)
            await server.start()
            if scraped := settings.metrics:
                context = self_signed() if scraped.https else None
                await stack.enter_async_context(await serve(scraped.port, {"/metrics": self._metrics}, context))
            self.ready = True
            await self._publish()
            work.append(group.create_task(_every(_TIDY_SECONDS, self._tidy)))
            log.info("serving on port %d as instance %s", settings.grpc_port, settings.instance)
            await stop.wait()
            await self._drain(server, dataplane)
            await store.withdraw()
            for task in work:
                task.cancel()
        await asyncio.sleep(_HOOK_SECONDS)
        log.info("stopped")

    async def _drain(self, server: grpc.aio.Server, dataplane: Dataplane) -> None:
        log.info("stopping: not ready, serving until clients have switched to another pod")
        self.ready = False
        started = time.monotonic()
        try:
            await self._publish()
        except EtcdError as error:
            log.warning("peers will notice by the lease: %s", error)
        longest = max(_QUIET_SECONDS, self._settings.shutdown_seconds - _GRACE_SECONDS - 10)
        while (now := time.monotonic()) - started < longest:
            if now - max(started, dataplane.last_call) > _QUIET_SECONDS:
                break
            await asyncio.sleep(0.1)
        await server.stop(_GRACE_SECONDS)
        log.info("drained after %.1f s", time.monotonic() - started)
        self._drained.set()

    def _server(self, management: Management, dataplane: Dataplane) -> grpc.aio.Server:
        settings = self._settings
        server = grpc.aio.server(
            handlers=[management.handler(), dataplane],
            options=[
                *settings.message_limits,
                ("grpc.max_connection_age_ms", _CONNECTION_AGE_MS),
                ("grpc.so_reuseport", 0),
            ],
        )
        address = f"[::]:{settings.grpc_port}"
        if settings.tls:
            server.add_secure_port(address, server_credentials(settings.tls))
        else:
            server.add_insecure_port(address)
        return server

    async def _readiness(self) -> Response:
        return Response(200) if self.ready else Response(503, b"not serving\n")

    async def _liveness(self) -> Response:
        return Response(200)

    async def _metrics(self) -> Response:
        return Response(200, metrics.render(), "text/plain; version=0.0.4; charset=utf-8")

    async def _prestop(self) -> Response:
        await self._drained.wait()
        return Response(200)

    def _copy_changed(self, model_id: str) -> None:
        self._models.changed(model_id)
        task = asyncio.create_task(self._vmodels.advance(model_id))
        self._advancing.add(task)
        task.add_done_callback(self._advancing.discard)

    async def _tidy(self) -> None:
        await self._models.tidy()
        await self._vmodels.advance()

    async def _publish(self) -> None:
        metrics.INSTANCE_MODELS.set(len(self._cache.of_state(State.LOADED)))
        metrics.CAPACITY.set(self._cache.usable * UNIT)
        metrics.USED.set(self._cache.used * UNIT)
        await self._store.publish(self._settings.instance, self._instance())

    def _instance(self) -> Instance:
        settings, loaded = self._settings, self._cache.of_state(State.LOADED)
        return Instance(
            started=self._started,
            host=settings.host,
            address=f"{settings.address}:{settings.grpc_port}",
            labels=settings.labels,
            actionable=self.ready,
            capacity=self._cache.usable,
            used=self._cache.used,
            count=len(loaded),
            oldest_use=min((copy.last_used for copy in loaded), default=0),
        )


def _runtime_channel(settings: Settings) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(
        settings.serving_target,
        options=[
            *settings.message_limits,
            ("grpc.initial_reconnect_backoff_ms", 100),  # requests wait while the runtime restarts
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1_000),
        ],
    )


async def _every(seconds: float, action: Callable[[], Awaitable[None]]) -> None:
    """Run an action forever; etcd errors are logged, and the action is retried."""
    while True:
        try:
            await action()
        except (EtcdError, ConflictError) as error:
            log.warning("%s: %s", action.__name__.strip("_"), error)
        await asyncio.sleep(seconds)
