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
REQUEST_TIMEOUT = 10
"""Seconds that one request to the API server may take."""
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
        """Returns the object, or None if it does not exist.

        Raises:
            ConnectionError: the request failed; a later one may work.
            RunError: the API server refuses the request.
        """

        def get() -> dict[str, Any]:
            found: dict[str, Any] = self._objects.get_namespaced_custom_object(
                _GROUP, "v1beta1", self.namespace, "inferenceservices", self.name, _request_timeout=REQUEST_TIMEOUT
            )
            return found

        return await ask(get)

    async def controller_ready(self) -> bool:
        """Returns whether the controller's Deployment has a ready replica."""

        def get() -> client.V1Deployment:
            return self._apps.read_namespaced_deployment(
                "modelmesh-controller", self.controller_namespace, _request_timeout=REQUEST_TIMEOUT
            )

        deployment = await ask(get)
        return bool(deployment and deployment.status and deployment.status.ready_replicas)

    async def runtime_declared(self) -> bool:
        """Returns whether an enabled runtime fits: the one that the model names, or one that selects its format."""

        def own() -> list[dict[str, Any]]:
            found = self._objects.list_namespaced_custom_object(
                _GROUP, "v1alpha1", self.namespace, "servingruntimes", _request_timeout=REQUEST_TIMEOUT
            )
            return list(found["items"])

        def shared() -> list[dict[str, Any]]:
            found = self._objects.list_cluster_custom_object(
                _GROUP, "v1alpha1", "clusterservingruntimes", _request_timeout=REQUEST_TIMEOUT
            )
            return list(found["items"])

        # Two requests: an installation in namespace scope has no kind ClusterServingRuntime.
        found = [*(await ask(own) or []), *(await ask(shared) or [])]
        return any(self._fits(runtime) for runtime in found)

    async def nudge(self) -> None:
        """Changes an annotation, so that the controller reconciles the service; the model stays the same."""
        self._nudges += 1
        patch = {"metadata": {"annotations": {NUDGE_ANNOTATION: str(self._nudges)}}}

        def change() -> object:
            return self._objects.patch_namespaced_custom_object(
                _GROUP, "v1beta1", self.namespace, "inferenceservices", self.name, patch,
                _request_timeout=REQUEST_TIMEOUT,
            )  # fmt: skip

        await ask(change)

    def _fits(self, runtime: dict[str, Any]) -> bool:
        spec = runtime["spec"]
        if spec.get("disabled"):
            return False
        if self.runtime is not None:
            return bool(runtime["metadata"]["name"] == self.runtime)
        formats = spec.get("supportedModelFormats", [])
        return any(entry["name"] == self.model_format and entry.get("autoSelect") for entry in formats)


async def ask(request: Callable[[], T]) -> T | None:
    """Runs one request in a thread and returns its result, or None for 404.

    Raises:
        ConnectionError: the request failed; a later one may work.
        RunError: the API server refuses the request (401 or 403).
    """
    try:
        return await asyncio.to_thread(request)
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
