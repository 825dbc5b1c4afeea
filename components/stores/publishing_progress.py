"""Shows how far the Job that publishes a large model is, while the engine waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pulumi
from kubernetes import client

from ..core.cluster import Cluster
from ..core.kserve_api import ask

_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class PublishingProgress:
    """The newest pod of one Job. A pod that cannot be read is not reported: the Job itself decides the update."""

    cluster: Cluster
    namespace: str
    job: str
    report: Callable[[str], None]

    async def until(self, published: Awaitable[Any]) -> None:
        """Report the state of the pod whenever it has changed, until `published` is done or has failed."""
        api = client.CoreV1Api(self.cluster.api_client())
        done, reported = asyncio.ensure_future(published), ""
        while not done.done():
            text = await self._read(api)
            if text and text != reported:
                self.report(text)
                reported = text
            await asyncio.wait([done], timeout=_SECONDS)
        done.exception()  # the engine reports it; asyncio logs exceptions that are never retrieved

    async def _read(self, api: client.CoreV1Api) -> str:
        """The last line of the pod's log, or what it waits for; empty if that cannot be read."""
        try:
            found = await ask(api.list_namespaced_pod, self.namespace, label_selector=f"job-name={self.job}")
            if not found or not found.items:
                return ""
            pod = max(found.items, key=lambda each: each.metadata.creation_timestamp)
            if pod.status.phase == "Pending":
                return f"{pod.metadata.name} is not running yet: its image with the model's files is being pulled"
            log = await ask(api.read_namespaced_pod_log, pod.metadata.name, self.namespace, tail_lines=1)
        except (ConnectionError, pulumi.RunError):
            return ""
        return (log or "").strip()
