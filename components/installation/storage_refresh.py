"""Refreshes a changed storage Secret in running pods, before an InferenceService names a new entry of it.

Kubelet updates a mounted Secret a minute or two after a change. A service that names a new entry earlier fails to load,
and ModelMesh does not retry for a quarter of an hour. A changed annotation makes kubelet update all mounts of the pod
at once; nothing in the pod restarts.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi
from kubernetes import client

from ..core.cluster import Cluster
from ..core.kserve_api import ask

ANNOTATION = "modelmesh.pulumi.com/storage-seen"
_KUBELET_SECONDS = 3.0
"""Time from the annotation to the updated file, which takes kubelet less than a second."""


@dataclass(frozen=True, kw_only=True)
class StorageRefresh:
    """The storage Secret of one namespace and the pods that mount it."""

    cluster: Cluster
    namespace: str
    secret: str
    service: str
    """Name of ModelMesh's Service, which is a label of its pods."""
    report: Callable[[str], None]

    async def done(self) -> None:
        """Returns once all pods of the namespace have the current Secret.

        Missing rights on the cluster are not an error: kubelet then updates the pods by itself, later.
        """
        try:
            if stale := await self._stale():
                self.report(f"refreshing the storage Secret in {len(stale)} running pods")
                for pod, version in stale.items():
                    await self._touch(pod, version)
                await asyncio.sleep(_KUBELET_SECONDS)
        except (ConnectionError, pulumi.RunError) as problem:
            self.report(f"running pods get the changed storage Secret in a minute or two: {problem}")

    async def _stale(self) -> dict[str, str]:
        """Returns the pods whose mounted Secret may be outdated, each with the Secret's version."""
        api = self.cluster.api_client()
        core = client.CoreV1Api(api)
        selector = f"modelmesh-service={self.service}"
        pods = await ask(core.list_namespaced_pod, self.namespace, label_selector=selector)
        if not pods or not pods.items:
            return {}
        secret = await ask(core.read_namespaced_secret, self.secret, self.namespace)
        if not secret:
            return {}
        return stale_pods(*(api.sanitize_for_serialization(found) for found in (pods.items, secret.metadata)))

    async def _touch(self, pod: str, version: str) -> None:
        core = client.CoreV1Api(self.cluster.api_client())
        patch = {"metadata": {"annotations": {ANNOTATION: version}}}
        await ask(core.patch_namespaced_pod, pod, self.namespace, patch)


def stale_pods(pods: list[dict[str, Any]], secret: dict[str, Any]) -> dict[str, str]:
    """Returns the names of the pods whose mounted Secret may be older than these metadata, each with its version."""
    version = secret["resourceVersion"]
    changed = max((entry["time"] for entry in secret.get("managedFields", []) if "time" in entry), default="9")
    return {
        pod["metadata"]["name"]: version
        for pod in pods
        if pod["metadata"]["creationTimestamp"] <= changed
        and pod["metadata"].get("annotations", {}).get(ANNOTATION) != version
    }
