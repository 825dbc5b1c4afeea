"""Waits until ModelMesh Serving's admission webhook answers.

A ready controller is not enough: until every node routes the webhook's Service to it, which takes some seconds, the
API server refuses each ServingRuntime. Only a request takes the same way, so one is made, as a dry run.
"""

import asyncio
import time
from typing import Any

import pulumi
from kubernetes import client

from ..core.annotations import PREFIX
from ..core.cluster import Cluster
from ..core.kserve_api import ask

_POLL_SECONDS = 0.5
_TIMEOUT_SECONDS = 10
_PATIENCE_SECONDS = 120
_PROBE: dict[str, Any] = {
    "apiVersion": f"{PREFIX}v1alpha1",
    "kind": "ServingRuntime",
    "metadata": {"name": "admission-probe"},
    "spec": {"multiModel": True, "containers": [{"name": "probe"}]},
}


async def admitted(cluster: Cluster, namespace: str) -> None:
    """Returns once the API server admits a ServingRuntime. Raises RunError with its last answer after two minutes."""
    api = client.CustomObjectsApi(cluster.api_client())

    def probe() -> bool:
        api.create_namespaced_custom_object(
            "serving.kserve.io",
            "v1alpha1",
            namespace,
            "servingruntimes",
            _PROBE,
            dry_run="All",
            _request_timeout=_TIMEOUT_SECONDS,
        )
        return True

    deadline, answer = time.monotonic() + _PATIENCE_SECONDS, "not found"
    while time.monotonic() < deadline:
        try:
            if await ask(probe):
                return
        except ConnectionError as problem:
            answer = str(problem)
        await asyncio.sleep(_POLL_SECONDS)
    raise pulumi.RunError(
        f"ModelMesh Serving's webhook admits no runtime in {namespace!r} after {_PATIENCE_SECONDS} s: {answer}.\n"
        f"Look at the controller: kubectl -n {namespace} logs deployment/modelmesh-controller"
    )
