"""Waits until a runtime's pods match its spec and the installation's configuration.

A ServingRuntime has no status. The Deployment that ModelMesh Serving's controller creates for it has one, which only
refers to its current pod template. So the template is compared first, with the containers of the spec and with the
configuration of the mesh, the adapter and the REST proxy; then its rollout is waited for.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import yaml
from kubernetes import client

from ..core.cluster import Cluster
from ..core.kserve_api import ask
from ..core.polling import poll
from .pod_template import differences

_PERMANENT = ("InvalidImageName",)
_RETRIED = ("CreateContainerConfigError", "ErrImagePull", "ImageInspectError", "ImagePullBackOff")
"""Reasons after which the kubelet retries; after `_RETRY_SECONDS` they are reported with the kubelet's message."""
_RETRY_SECONDS = 60
"""Kubelet pulls an image again after 10 s, 30 s and 70 s."""
_CRASHES = 2
"""One crash during startup is tolerated, as other containers of the pod may start later; two are permanent."""
_FORGIVEN_SECONDS = 30
"""Time in which earlier crashes are ignored: this update may have added what the container lacked."""
_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"

Object = dict[str, Any]
Crashes = Mapping[tuple[str, str], int]
"""Restarts of each container, by the names of its pod and its own."""


class NotRolledOutError(pulumi.RunError):
    """The runtime's pods do not match the stack."""


@dataclass(kw_only=True)
class Rollout:
    """One wait for the Deployment of one runtime."""

    cluster: Cluster
    namespace: str
    deployment: str
    config_namespace: str
    """Namespace of the controller, which holds the installation's configuration."""
    containers: Sequence[Object] = ()
    """The runtime's own containers; empty for a runtime of another stack."""
    required: bool = True
    """Whether to wait for a Deployment that does not exist."""
    timeout_seconds: float
    report: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _started: float = field(default=0.0, init=False)
    _crashes_before: Crashes | None = field(default=None, init=False)
    _retried_since: dict[tuple[str, str], float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Read the kubeconfig, without a request."""
        self._api = self.cluster.api_client()

    async def done(self) -> None:
        """Returns once every pod is of the current template and ready.

        Raises:
            NotRolledOutError: a pod cannot start, or the timeout has passed.
        """
        self._started = self.clock()
        await poll(
            self._look,
            timeout_seconds=self.timeout_seconds,
            report=lambda missing: self.report(f"waiting for the runtime's pods: {missing}"),
            expired=lambda missing: self._failed(f"after {self.timeout_seconds:.0f} s: {missing}"),
        )

    async def _look(self) -> str:
        apps, core = client.AppsV1Api(self._api), client.CoreV1Api(self._api)
        deployment = await self._get(apps.read_namespaced_deployment, self.deployment, self.namespace)
        if deployment is None:
            return "the controller has not created the Deployment yet" if self.required else ""
        found = await self._get(core.read_namespaced_config_map, "model-serving-config", self.config_namespace)
        config = yaml.safe_load((found or {}).get("data", {}).get("config.yaml", "")) or {}
        if missing := template_missing(deployment, self.containers, config):
            return missing
        if not (missing := rollout_missing(deployment)):
            return ""
        selector = f"name={self.deployment}"
        pods = await self._get(core.list_namespaced_pod, self.namespace, label_selector=selector)
        sets = await self._get(apps.list_namespaced_replica_set, self.namespace, label_selector=selector)
        new = newest_pods(deployment, (sets or {}).get("items", []), (pods or {}).get("items", []))
        for failure in self.failures(new):
            raise self._failed(failure)
        return "; ".join([missing, *unscheduled(new)])

    def failures(self, pods: Sequence[Object]) -> Iterator[str]:
        """Reasons why containers of pods with the current template will not start; empty while they may."""
        now, crashes = self.clock(), restarts(pods)
        if self._crashes_before is None:
            self._crashes_before = crashes
        forgiven = self._crashes_before if now < self._started + _FORGIVEN_SECONDS else {}
        for pod in pods:
            for container in pod.get("status", {}).get("containerStatuses", []):
                waiting = container.get("state", {}).get("waiting", {})
                key, reason = (pod["metadata"]["name"], container["name"]), waiting.get("reason", "")
                since = self._retried_since.setdefault(key, now) if reason in _RETRIED else now
                if (
                    reason in _PERMANENT
                    or now - since > _RETRY_SECONDS
                    or (reason == "CrashLoopBackOff" and crashes[key] - forgiven.get(key, 0) >= _CRASHES)
                ):
                    message = f": {waiting['message']}" if waiting.get("message") else ""
                    yield f"{reason} in container {key[1]} of pod {key[0]}{message}"

    async def _get(self, request: Callable[..., Any], *arguments: str, **options: Any) -> Object | None:
        found: Object | None = self._api.sanitize_for_serialization(await ask(request, *arguments, **options))
        return found

    def _failed(self, reason: str) -> NotRolledOutError:
        return NotRolledOutError(
            f"The pods of {self.deployment!r} in {self.namespace!r} are not rolled out: {reason}.\n"
            "Pods of the previous template keep serving if there are any. "
            f"Look at kubectl -n {self.namespace} describe pods -l name={self.deployment}, "
            "correct the image, the runtime or the configuration, and run `pulumi up` again."
        )


def template_missing(deployment: Object, containers: Sequence[Object], config: Mapping[str, Any]) -> str:
    """Difference of the Deployment's pod template; empty once the controller has updated it."""
    if found := differences(deployment["spec"]["template"], containers, config):
        return f"the controller has not updated the Deployment yet ({found[0]})"
    if deployment.get("status", {}).get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "the rollout of the newest pod template has not started yet"
    return ""


def rollout_missing(deployment: Object) -> str:
    """State of an incomplete rollout of the current template; empty when it is complete."""
    spec, status = deployment["spec"], deployment.get("status", {})
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    available, old = status.get("availableReplicas", 0), status.get("replicas", 0) - updated
    if available >= wanted and old == 0:
        return ""
    failures = [c for c in status.get("conditions", []) if c["type"] == "ReplicaFailure" and c["status"] == "True"]
    counts = f"{updated} of {wanted} pods are new, {available} ready, {old} of the previous template"
    return "; ".join([counts, *(failure["message"] for failure in failures)])


def newest_pods(deployment: Object, replica_sets: Sequence[Object], pods: Sequence[Object]) -> list[Object]:
    """Pods of the Deployment's current template."""
    revision = deployment["metadata"].get("annotations", {}).get(_REVISION)
    hashes = {
        each["metadata"].get("labels", {}).get(_HASH)
        for each in replica_sets
        if revision is not None and each["metadata"].get("annotations", {}).get(_REVISION) == revision
    }
    return [pod for pod in pods if pod["metadata"].get("labels", {}).get(_HASH) in hashes]


def restarts(pods: Sequence[Object]) -> Crashes:
    """Number of restarts of each container."""
    return {
        (pod["metadata"]["name"], container["name"]): container["restartCount"]
        for pod in pods
        for container in pod.get("status", {}).get("containerStatuses", [])
    }


def unscheduled(pods: Sequence[Object]) -> list[str]:
    """Reason of the scheduler for a pod without a node; of one pod, since the others mostly have the same reason."""
    conditions = [condition for pod in pods for condition in pod.get("status", {}).get("conditions", [])]
    return [
        condition["message"]
        for condition in conditions
        if condition["type"] == "PodScheduled" and condition["status"] == "False" and "message" in condition
    ][:1]
