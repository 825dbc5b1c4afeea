"""Requests that the program itself makes to the API server; each runs in a thread and does not block the program."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pulumi
import urllib3
from kubernetes import client

from .cluster import Cluster

T = TypeVar("T")

_GROUP = "serving.kserve.io"
_TIMEOUT_SECONDS = 10
NUDGE_ANNOTATION = "modelmesh.pulumi.com/registered-again"


@dataclass
class InferenceServiceApi:
    """An InferenceService and the objects that decide whether it is served, for `readiness.Wait`."""

    cluster: Cluster
    namespace: str
    name: str
    runtime: str | None
    model_format: str
    controller_namespace: str
    api: client.ApiClient | None = None
    """A client to share between many services; by default each has its own."""
    _nudges: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Reads the kubeconfig; no request is made."""
        api = self.api or self.cluster.api_client()
        self._objects, self._apps = client.CustomObjectsApi(api), client.AppsV1Api(api)

    async def service(self) -> dict[str, Any] | None:
        """Returns the object, or None if it does not exist."""
        return await ask(self._objects.get_namespaced_custom_object, *self._service)

    async def controller_ready(self) -> bool:
        """Returns whether the controller's Deployment has a ready replica."""
        deployment = await ask(self._apps.read_namespaced_deployment, "modelmesh-controller", self.controller_namespace)
        return bool(deployment and deployment.status and deployment.status.ready_replicas)

    async def runtime_declared(self) -> bool:
        """Returns whether an enabled runtime fits: the one that the model names, or one that selects its format."""
        list_own, list_shared = self._objects.list_namespaced_custom_object, self._objects.list_cluster_custom_object
        own = await ask(list_own, _GROUP, "v1alpha1", self.namespace, "servingruntimes")
        # A separate request: an installation in namespace scope has no kind ClusterServingRuntime.
        shared = await ask(list_shared, _GROUP, "v1alpha1", "clusterservingruntimes")
        return any(self._fits(runtime) for found in (own, shared) if found for runtime in found["items"])

    async def nudge(self) -> None:
        """Changes an annotation, so that the controller reconciles the service; the model stays the same."""
        self._nudges += 1
        patch = {"metadata": {"annotations": {NUDGE_ANNOTATION: str(self._nudges)}}}
        await ask(self._objects.patch_namespaced_custom_object, *self._service, patch)

    @property
    def _service(self) -> tuple[str, ...]:
        return _GROUP, "v1beta1", self.namespace, "inferenceservices", self.name

    def _fits(self, runtime: dict[str, Any]) -> bool:
        spec = runtime["spec"]
        if spec.get("disabled"):
            return False
        if self.runtime is not None:
            return bool(runtime["metadata"]["name"] == self.runtime)
        formats = spec.get("supportedModelFormats", [])
        return any(entry["name"] == self.model_format and entry.get("autoSelect") for entry in formats)


async def ask(
    request: Callable[..., T], *arguments: Any, timeout_seconds: int = _TIMEOUT_SECONDS, **options: Any
) -> T | None:
    """Runs one request of the client library in a thread and returns its result, or None for 404.

    Raises:
        ConnectionError: the request failed; a later one may work.
        RunError: the API server refuses the request (401 or 403).
    """
    try:
        return await asyncio.to_thread(request, *arguments, **options, _request_timeout=timeout_seconds)
    except client.ApiException as problem:
        if problem.status == 404:
            return None
        if problem.status in (401, 403):
            raise pulumi.RunError(f"The API server refuses a request of this program: {message(problem)}") from None
        raise ConnectionError(message(problem)) from problem
    except (urllib3.exceptions.HTTPError, OSError) as problem:
        raise ConnectionError(str(problem)) from problem


def message(problem: client.ApiException) -> str:
    """Returns the API server's message about a failed request."""
    try:
        return str(json.loads(problem.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return f"{problem.status} {problem.reason}"
