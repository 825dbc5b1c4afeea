"""Waits until the pods of a runtime run the images that its spec names, and tells what keeps them from it.

A ServingRuntime has no status. Its Deployment, which ModelMesh Serving's controller makes, has one; and an update that
ended while pods of the former images still serve would not have told the truth.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from kubernetes import client

from ..core.cluster import Cluster
from ..core.kserve_api import ask

_POLL_SECONDS = 0.5
_TIMEOUT_SECONDS = 10
_HOPELESS = ("CreateContainerConfigError", "ErrImagePull", "ImagePullBackOff", "InvalidImageName")
_CRASHES = 2
"""A container may fall over once while those beside it start; more often it will not get up."""
_FORGIVEN_SECONDS = 30
"""What has fallen over before may be about to get up: this update may have brought back what it lacked."""


class NotRolledOutError(pulumi.RunError):
    """The runtime's pods do not run as its spec wants them, and why."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One wait for the Deployment of one runtime; `patience` in seconds."""

    cluster: Cluster
    namespace: str
    deployment: str
    images: Mapping[str, str]
    """By the container's name."""
    patience: float
    report: Callable[[str], None]

    async def done(self) -> None:
        """Returns once every pod is new and ready.

        Raises:
            NotRolledOutError: when that is hopeless, or patience is over.
        """
        api = self.cluster.api_client()
        apps, core = client.AppsV1Api(api), client.CoreV1Api(api)
        place: dict[str, Any] = {"namespace": self.namespace, "_request_timeout": _TIMEOUT_SECONDS}
        started, said = time.monotonic(), ""
        deadline, before = started + self.patience, None
        while True:
            try:
                found = await ask(lambda: apps.read_namespaced_deployment(self.deployment, **place))
                deployment = api.sanitize_for_serialization(found) if found else None
                lacking = missing(deployment, self.images)
                if not lacking:
                    return
                pods = await ask(lambda: core.list_namespaced_pod(label_selector=f"name={self.deployment}", **place))
                listed = api.sanitize_for_serialization(pods)["items"] if pods else []
                before = restarts(listed) if before is None else before
                forgiven = before if time.monotonic() < started + _FORGIVEN_SECONDS else {}
                for problem in hopeless(listed, self.images, forgiven):
                    raise self._failed(problem)
            except ConnectionError as problem:
                lacking = f"no answer from the API server, trying again: {problem}"
            if time.monotonic() > deadline:
                raise self._failed(f"after {self.patience:.0f} s: {lacking}")
            if lacking != said:
                said = lacking
                self.report(f"waiting for the runtime's pods: {lacking}")
            await asyncio.sleep(_POLL_SECONDS)

    def _failed(self, reason: str) -> NotRolledOutError:
        return NotRolledOutError(
            f"The pods of {self.deployment!r} in {self.namespace!r} do not run {', '.join(self.images.values())}: "
            f"{reason}.\nPods of the former kind go on serving where there are any. "
            f"Look at kubectl -n {self.namespace} describe pods -l name={self.deployment}, "
            "correct the image or the runtime, and run `pulumi up` again."
        )


def missing(deployment: dict[str, Any] | None, images: Mapping[str, str]) -> str:
    """What a Deployment still lacks of being rolled out with these images; empty when nothing."""
    if deployment is None:
        return "the controller has not made its Deployment yet"
    spec, status = deployment["spec"], deployment.get("status", {})
    taken_up = _runs(spec["template"]["spec"], images)
    if not taken_up or status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "the controller has not taken up the newest spec yet"
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    ready, old = status.get("availableReplicas", 0), status.get("replicas", 0) - updated
    if updated >= wanted and ready >= wanted and old == 0:
        return ""
    return f"{updated} of {wanted} new, {ready} ready, {old} of the former kind"


Restarts = Mapping[tuple[str, str], int]
"""How often each container has been restarted, by its pod's name and its own."""


def restarts(pods: list[dict[str, Any]]) -> Restarts:
    """As the pods tell it."""
    return {
        (pod["metadata"]["name"], container["name"]): container.get("restartCount", 0)
        for pod in pods
        for container in pod.get("status", {}).get("containerStatuses", [])
    }


def hopeless(pods: list[dict[str, Any]], images: Mapping[str, str], forgiven: Restarts) -> Iterator[str]:
    """What will not mend by waiting, in those pods that run these images, but for restarts that are forgiven."""
    counts = restarts(pods)
    for pod in pods:
        if not _runs(pod["spec"], images):
            continue
        for container in pod.get("status", {}).get("containerStatuses", []):
            waiting, known = container.get("state", {}).get("waiting", {}), (pod["metadata"]["name"], container["name"])
            reason, crashes = waiting.get("reason", ""), counts[known] - forgiven.get(known, 0)
            if reason in _HOPELESS or (reason == "CrashLoopBackOff" and crashes >= _CRASHES):
                told = f": {waiting['message']}" if waiting.get("message") else ""
                yield f"{reason} in container {container['name']} of pod {pod['metadata']['name']}{told}"


def _runs(pod_spec: dict[str, Any], images: Mapping[str, str]) -> bool:
    found = {container["name"]: container["image"] for container in pod_spec["containers"]}
    return images.items() <= found.items()
