"""Calls forwarded to the pod that serves the type.

One Service spans the pods of all runtimes of a namespace, so a call may reach any of them. Pods find each other by
their records in etcd. A forwarded call carries a header and is never forwarded again. A pod that holds the model
according to etcd is asked even if this pod's type constraints are outdated: they only restrict loading.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import grpc

from .constraints import TypeConstraints
from .errors import MeshError
from .records import Model
from .settings import Settings
from .store import Store
from .tls import peer_channel

log = logging.getLogger(__name__)

HOP_HEADER = "mm-solo-hop"

Metadata = Sequence[tuple[str, str | bytes]]
T = TypeVar("T")


class Peers:
    """Other pods of the service."""

    def __init__(self, store: Store, constraints: TypeConstraints, settings: Settings) -> None:
        self._store = store
        self._constraints = constraints
        self._settings = settings
        self._channels: dict[str, grpc.aio.Channel] = {}

    def serving(self, model_type: str, model: Model | None = None) -> list[str]:
        """Addresses of the pods that hold the model, then of those that may load its type, the newest first."""
        holders = model.loaded if model else {}
        able = [
            (pod in holders, instance.started, instance.address)
            for pod, instance in self._store.instances.items()
            if pod != self._settings.instance
            and instance.actionable
            and (pod in holders or self._constraints.met(model_type, instance.labels))
        ]
        return [address for *_, address in sorted(able, reverse=True)]

    async def hand(self, addresses: Sequence[str], call: Callable[[grpc.aio.Channel], Awaitable[T]]) -> T:
        """Make the call at the first reachable address; its error is raised as a MeshError."""
        for address in addresses:
            try:
                return await call(self._channel(address))
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or address == addresses[-1]:
                    raise MeshError.of(error) from None
                log.warning("peer %s: %s; trying the next", address, error.details())
        raise ValueError("no address to hand the call to")

    def _channel(self, address: str) -> grpc.aio.Channel:
        if address not in self._channels:
            self._channels[address] = peer_channel(address, self._settings.tls, self._settings.message_limits)
        return self._channels[address]

    async def close(self) -> None:
        """Close all connections."""
        for channel in self._channels.values():
            await channel.close()


def is_handed(metadata: Metadata) -> bool:
    """Whether a peer forwarded this call."""
    return any(key == HOP_HEADER for key, _ in metadata)


def seconds_left(context: grpc.aio.ServicerContext[object, object]) -> float | None:
    """Seconds until the caller's deadline; None without one."""
    remaining = context.time_remaining()
    return None if remaining is None or remaining > 1e6 else remaining
