"""Waits until ModelMesh Serving's admission webhook answers.

A ready controller is not enough: for some seconds, until every node routes the webhook's Service to it, the API server
refuses each ServingRuntime. A dry-run request takes the same way, so its success shows that the webhook answers.
"""

from typing import Any

import pulumi
from kubernetes import client

from ..core.annotations import PREFIX
from ..core.cluster import Cluster
from ..core.kserve_api import ask
from ..core.polling import poll

_TIMEOUT_SECONDS = 120
_PROBE: dict[str, Any] = {
    "apiVersion": f"{PREFIX}v1alpha1",
    "kind": "ServingRuntime",
    "metadata": {"name": "admission-probe"},
    "spec": {"multiModel": True, "containers": [{"name": "probe"}]},
}


async def admitted(cluster: Cluster, namespace: str) -> None:
    """Returns once the API server admits a ServingRuntime.

    Raises:
        RunError: it still does not after two minutes; the message has its last answer.
    """
    create = client.CustomObjectsApi(cluster.api_client()).create_namespaced_custom_object
    probe = ("serving.kserve.io", "v1alpha1", namespace, "servingruntimes", _PROBE)

    async def look() -> str:
        created = await ask(create, *probe, dry_run="All")
        return "the kind ServingRuntime or the namespace does not exist" if created is None else ""

    def expired(missing: str) -> pulumi.RunError:
        return pulumi.RunError(
            f"ModelMesh Serving's webhook does not admit a runtime in {namespace!r} after {_TIMEOUT_SECONDS} s: "
            f"{missing}.\nLook at the controller: kubectl -n {namespace} logs deployment/modelmesh-controller"
        )

    def report(missing: str) -> None:
        pulumi.log.info(f"waiting for the admission webhook: {missing}", ephemeral=True)

    await poll(look, timeout_seconds=_TIMEOUT_SECONDS, report=report, expired=expired)
