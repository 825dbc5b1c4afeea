"""Refreshes a changed storage Secret in running pods, before an InferenceService names a new entry of it.

Kubelet updates a mounted Secret a minute or two after a change. A service that names a new entry earlier fails to load,
and ModelMesh does not retry for a quarter of an hour. A changed annotation makes kubelet update all mounts of the pod
at once; nothing in the pod restarts.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
from kubernetes import client

from ..core.cluster import Cluster
from ..core.kserve_api import ask

ANNOTATION = "modelmesh.pulumi.com/storage-seen"
_KUBELET_SECONDS = 3.0
"""Time from the annotation to the updated file, which takes kubelet less than a second."""


async def refresh_storage(
    *, cluster: Cluster, namespace: str, secret: str, service: str, report: Callable[[str], None]
) -> None:
    """Returns once all pods of a namespace have the current storage Secret.

    Missing rights on the cluster are not an error: kubelet then updates the pods by itself, later. The pods are those
    with the label of ModelMesh's `service`.
    """
    api = cluster.api_client()
    core = client.CoreV1Api(api)
    try:
        pods = await ask(core.list_namespaced_pod, namespace, label_selector=f"modelmesh-service={service}")
        if not pods or not pods.items or not (found := await ask(core.read_namespaced_secret, secret, namespace)):
            return
        if stale := stale_pods(*(api.sanitize_for_serialization(each) for each in (pods.items, found.metadata))):
            report(f"refreshing the storage Secret in {len(stale)} running pods")
            for pod, version in stale.items():
                patch = {"metadata": {"annotations": {ANNOTATION: version}}}
                await ask(core.patch_namespaced_pod, pod, namespace, patch)
            await asyncio.sleep(_KUBELET_SECONDS)
    except (ConnectionError, pulumi.RunError) as problem:
        report(f"running pods get the changed storage Secret in a minute or two: {problem}")


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
