"""Shows how far the Job that publishes a large model is, while the engine waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pulumi
from kubernetes import client

from ..core.cluster import Cluster
from ..core.kserve_api import ask

_SECONDS = 2.0


async def report_progress(
    cluster: Cluster, namespace: str, job: str, *, until: Awaitable[Any], report: Callable[[str], None]
) -> None:
    """Report the state of the Job's newest pod whenever it has changed, until `until` is done or has failed.

    A pod that cannot be read is not reported: the Job itself decides the update.
    """
    api = client.CoreV1Api(cluster.api_client())
    done, reported = asyncio.ensure_future(until), ""
    while not done.done():
        text = await _state(api, namespace, job)
        if text and text != reported:
            report(text)
            reported = text
        await asyncio.wait([done], timeout=_SECONDS)
    done.exception()  # the engine reports it; asyncio logs exceptions that are never retrieved


async def _state(api: client.CoreV1Api, namespace: str, job: str) -> str:
    """The last line of the pod's log, or what it waits for; empty if that cannot be read."""
    try:
        found = await ask(api.list_namespaced_pod, namespace, label_selector=f"job-name={job}")
        if not found or not found.items:
            return ""
        pod = max(found.items, key=lambda each: each.metadata.creation_timestamp)
        if pod.status.phase == "Pending":
            return f"{pod.metadata.name} is not running yet: its image with the model's files is being pulled"
        log = await ask(api.read_namespaced_pod_log, pod.metadata.name, namespace, tail_lines=1)
    except (ConnectionError, pulumi.RunError):
        return ""
    return (log or "").strip()
