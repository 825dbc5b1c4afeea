"""The objects of a stack, applied by kubectl in the order of upstream's installation script and tutorial.

First etcd and MinIO, then the installation with its controller; then the tutorial: the model's upload, the runtime,
the service. After stores and controller the script checks their pods, and sleeps ten seconds unless all are Ready.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.stacks import LOADED, NAMESPACE, kubectl
from cli.stack import Stack

POLL_SECONDS = 10.0
_STORES = {"etcd", "minio"}
_CONTROLLER = "control-plane=modelmesh-controller"


@dataclass(frozen=True)
class Step:
    """Objects that are applied together, and the condition to wait for afterwards."""

    name: str
    objects: list[dict[str, Any]]


def steps(resources: Sequence[dict[str, Any]]) -> list[Step]:
    """The Kubernetes objects of a stack's state, sorted into upstream's steps; empty steps are left out."""
    sorted_in: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("namespace", "stores", "installation", "upload", "runtime", "service")
    }
    for resource in resources:
        kind = resource["type"].rpartition(":")[2]
        if resource["type"].startswith("kubernetes:") and "apiVersion" in resource.get("inputs", {}):
            sorted_in[_step(kind, resource["inputs"], resource.get("parent", ""))].append(_plain(resource["inputs"]))
    return [Step(name, sorted(objects, key=_rank)) for name, objects in sorted_in.items() if objects]


def apply(stack: Stack, planned: Sequence[Step]) -> dict[str, float]:
    """Apply the steps with upstream's waits; returns the seconds of each."""
    seconds = {}
    for step in planned:
        started = time.monotonic()
        kubectl(stack, "apply", "--server-side", objects=step.objects)
        match step.name:
            case "stores":
                for app in sorted(_STORES):
                    _wait_for_pods(stack, _selector(step, app))
            case "installation":
                _wait_for_pods(stack, _CONTROLLER)
            case "upload":
                job = next(each["metadata"]["name"] for each in step.objects if each["kind"] == "Job")
                kubectl(stack, "wait", f"job/{job}", "--for=condition=Complete", "--timeout=180s", "-n", NAMESPACE)
            case "service":
                for condition in ("condition=Ready", LOADED):
                    wait = ("wait", "inferenceservices", "--all", f"--for={condition}", "--timeout=300s")
                    kubectl(stack, *wait, "-n", NAMESPACE)
        seconds[step.name] = time.monotonic() - started
    return seconds


def delete(stack: Stack, planned: Sequence[Step]) -> None:
    """Delete everything in reverse order, since the controller must be running while its runtimes are deleted."""
    for step in reversed(planned):
        kubectl(stack, "delete", "--ignore-not-found", "--wait", "--timeout=120s", objects=step.objects)


def _rank(document: dict[str, Any]) -> int:
    """Sort key with CRDs first, like kustomize: a controller only watches kinds that exist when it starts."""
    ranks = {"CustomResourceDefinition": 0, "Deployment": 2, "StatefulSet": 2, "ValidatingWebhookConfiguration": 3}
    return ranks.get(document["kind"], 1)


def _step(kind: str, document: dict[str, Any], parent: str) -> str:
    if kind == "Namespace":
        return "namespace"
    if kind in {"InferenceService", "ServingRuntime"}:
        return "service" if kind == "InferenceService" else "runtime"
    if "index:ModelArtifact" in parent:
        return "upload"
    # In upstream's file, the objects that the stores' pods mount are in the same step.
    if any(f"index:{store}" in parent for store in ("Etcd", "Minio")):
        return "stores"
    return "stores" if document["metadata"].get("name") == "model-serving-etcd" else "installation"


def _plain(value: Any) -> Any:
    """Inputs in the form of the Kubernetes API, with decoded secrets."""
    if isinstance(value, dict):
        if "plaintext" in value:
            return json.loads(value["plaintext"])
        return {key: _plain(entry) for key, entry in value.items() if not key.startswith("__")}
    return [_plain(entry) for entry in value] if isinstance(value, list) else value


def _selector(step: Step, app: str) -> str:
    """Label selector of the pods of one store."""
    for each in step.objects:
        if each["kind"] in {"StatefulSet", "Deployment"} and each["metadata"]["name"] == app:
            return ",".join(f"{key}={value}" for key, value in each["spec"]["selector"]["matchLabels"].items())
    raise BenchmarkError(f"the stack has no {app}")


def _wait_for_pods(stack: Stack, selector: str) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        found = kubectl(stack, "get", "pods", "-l", selector, "-n", NAMESPACE, "--output=json")
        if all_ready(json.loads(found)["items"]):
            return
        time.sleep(POLL_SECONDS)
    raise BenchmarkError(f"the pods {selector} are not ready after ten minutes")


def all_ready(pods: Sequence[dict[str, Any]]) -> bool:
    """Whether there are pods, and each of them is Ready."""
    return bool(pods) and all(
        any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))
        for pod in pods
    )
