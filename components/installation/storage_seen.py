"""Makes running pods see a storage Secret that has changed, before a service names an entry that is new in it.

Kubelets bring a changed Secret to pods a minute or two later. A service that is faster fails to load, and ModelMesh
does not try again for a quarter of an hour. A changed annotation makes a pod's kubelet look at all that it mounts at
once; nothing in the pod restarts.
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
"""From the annotation to the file, with room: it is done within one."""
_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class StorageSeen:
    """The storage Secret of one namespace and the pods that mount it."""

    cluster: Cluster
    namespace: str
    secret: str
    service: str
    """ModelMesh's Service, by whose name its pods are labelled."""
    report: Callable[[str], None]

    async def done(self) -> None:
        """Returns once all pods there have the Secret as it is now.

        A cluster that does not let this program do so is no error: pods see it by themselves then, later.
        """
        try:
            if stale := await self._stale():
                self.report(f"showing the changed storage to {len(stale)} running pods")
                for pod, version in stale.items():
                    await self._touch(pod, version)
                await asyncio.sleep(_KUBELET_SECONDS)
        except (ConnectionError, pulumi.RunError) as problem:
            self.report(f"running pods see changed storage in a minute or two: {problem}")

    async def _stale(self) -> dict[str, str]:
        """The pods that are older than the Secret and were not told of it, each with the Secret's version."""
        api = self.cluster.api_client()
        core = client.CoreV1Api(api)
        place: dict[str, Any] = {"namespace": self.namespace, "_request_timeout": _TIMEOUT_SECONDS}
        selector = f"modelmesh-service={self.service}"
        pods = await ask(lambda: core.list_namespaced_pod(label_selector=selector, **place))
        if not pods or not pods.items:
            return {}
        secret = await ask(lambda: core.read_namespaced_secret(self.secret, **place))
        if not secret:
            return {}
        return stale_pods(*(api.sanitize_for_serialization(found) for found in (pods.items, secret.metadata)))

    async def _touch(self, pod: str, version: str) -> None:
        core = client.CoreV1Api(self.cluster.api_client())
        patch = {"metadata": {"annotations": {ANNOTATION: version}}}
        await ask(lambda: core.patch_namespaced_pod(pod, self.namespace, patch, _request_timeout=_TIMEOUT_SECONDS))


def stale_pods(pods: list[dict[str, Any]], secret: dict[str, Any]) -> dict[str, str]:
    """Names of those pods that may have another Secret than the one with these metadata, each with its version."""
    version = secret["resourceVersion"]
    changed = max((entry["time"] for entry in secret.get("managedFields", []) if "time" in entry), default="9")
    return {
        pod["metadata"]["name"]: version
        for pod in pods
        if pod["metadata"]["creationTimestamp"] <= changed
        and pod["metadata"].get("annotations", {}).get(ANNOTATION) != version
    }
