"""The objects of a stack, applied by kubectl in the order of upstream's installation script and tutorial.

First etcd and MinIO, then the installation with its controller; then the tutorial: the model's upload, the runtime,
the service. After stores and controller the script checks their pods, and sleeps ten seconds unless all are Ready.
"""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.errors import BenchmarkError
from cli.stack import Stack

POLL_SECONDS = 10.0
_STORES = {"etcd", "minio"}
_CONTROLLER = "control-plane=modelmesh-controller"
_LOADED = "jsonpath={.status.modelStatus.states.activeModelState}=Loaded"


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


def apply(stack: Stack, planned: Sequence[Step], namespace: str, *, sleep: Callable[[float], None]) -> dict[str, float]:
    """Apply the steps with upstream's waits; returns the seconds of each.

    Raises:
        BenchmarkError: A command failed, or a pod did not become Ready.
    """
    seconds = {}
    for step in planned:
        started = time.monotonic()
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": step.objects})
        _kubectl(stack, "apply", "--server-side", "--filename=-", text=text)
        match step.name:
            case "stores":
                for app in sorted(_STORES):
                    _wait_for_pods(stack, namespace, _selector(step, app), sleep)
            case "installation":
                _wait_for_pods(stack, namespace, _CONTROLLER, sleep)
            case "upload":
                job = next(each["metadata"]["name"] for each in step.objects if each["kind"] == "Job")
                _kubectl(stack, "wait", f"job/{job}", "--for=condition=Complete", "--timeout=180s", "-n", namespace)
            case "service":
                for condition in ("condition=Ready", _LOADED):
                    wait = ("wait", "inferenceservices", "--all", f"--for={condition}", "--timeout=300s")
                    _kubectl(stack, *wait, "-n", namespace)
        seconds[step.name] = time.monotonic() - started
    return seconds


def delete(stack: Stack, planned: Sequence[Step]) -> None:
    """Delete the objects of each step in turn, and wait until they are gone."""
    for step in planned:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": step.objects})
        _kubectl(stack, "delete", "--ignore-not-found", "--wait", "--timeout=120s", "--filename=-", text=text)


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


def _wait_for_pods(stack: Stack, namespace: str, selector: str, sleep: Callable[[float], None]) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        found = _kubectl(stack, "get", "pods", "-l", selector, "-n", namespace, "--output=json")
        if all_ready(json.loads(found)["items"]):
            return
        sleep(POLL_SECONDS)
    raise BenchmarkError(f"the pods {selector} are not ready after ten minutes")


def all_ready(pods: Sequence[dict[str, Any]]) -> bool:
    """Whether there are pods, and each of them is Ready."""
    return bool(pods) and all(
        any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))
        for pod in pods
    )


def _kubectl(stack: Stack, *arguments: str, text: str | None = None) -> str:
    command = stack.kubectl_program() + list(arguments)
    ended = subprocess.run(command, env=stack.environment, input=text, text=True, capture_output=True)
    if ended.returncode:
        raise BenchmarkError(f"kubectl {arguments[0]} failed: {ended.stderr.strip()[-800:]}")
    return ended.stdout
