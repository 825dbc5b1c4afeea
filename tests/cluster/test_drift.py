"""Manual changes on the cluster are reported by name, and `make up` reverts them."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cli.stack import Stack
from tests.cluster.deployment import NAMESPACE, Deployment

SECRET, POLICY, CERTIFICATE = "minio-root", "modelmesh-runtimes", "modelmesh-webhook-server-cert"
CHANGED = {
    "StatefulSet::minio",
    "Deployment::modelmesh-controller",
    f"NetworkPolicy::{POLICY}",
    "Secret::minio-credentials",
    "Secret::modelmesh-webhook",
    "Namespace::namespace",
    "Service::minio",
}
"""Resources whose objects `drifted` changes, without the half-year of issue in a certificate's name."""


@pytest.fixture(scope="module")
def deployed(deployment: Deployment) -> Iterator[Deployment]:
    """The stack is up, with its password as it was generated."""
    update = deployment.run("up", "--yes", "--skip-preview", "--refresh")
    assert update.succeeded, update.output
    yield deployment
    deployment.run("destroy", "--yes", "--skip-preview")


def state(deployed: Deployment) -> dict[str, Any]:
    """What `drifted` changes."""
    controller = deployed.get("deployment", "modelmesh-controller")["spec"]["template"]["spec"]["containers"]
    policies = deployed.get("networkpolicies")["items"]
    (certificate,) = [secret for secret in deployed.get("secrets")["items"] if is_certificate(secret)]
    return {
        "scaled": deployed.get("statefulset", "minio")["spec"]["replicas"],
        "image": [container["image"] for container in controller],
        "deleted": POLICY in [policy["metadata"]["name"] for policy in policies],
        "Secret": deployed.get("secret", SECRET)["data"],
        "certificate": certificate["data"],
        "port": [port["port"] for port in deployed.get("service", "minio")["spec"]["ports"]],
        "label": deployed.get("namespace", NAMESPACE)["metadata"]["labels"].get("modelmesh-enabled"),
    }


def is_certificate(secret: dict[str, Any]) -> bool:
    """Whether it has the webhook's certificate; its name ends in the half-year of issue."""
    return str(secret["metadata"]["name"]).startswith(CERTIFICATE)


def drifted(deployed: Deployment) -> None:
    """Changes by hand; both a generated password and a certificate are values of Secrets."""
    (certificate,) = [secret for secret in deployed.get("secrets")["items"] if is_certificate(secret)]
    swapped = {"tls.crt": certificate["data"]["ca.crt"]}
    port = [{"op": "replace", "path": "/spec/ports/0/port", "value": 9009}]
    image = deployed.get("statefulset", "minio")["spec"]["template"]["spec"]["containers"][0]["image"]
    for change in (
        ("scale", "statefulset/minio", "--replicas=0"),
        ("set", "image", "deployment/modelmesh-controller", f"manager={image}"),
        ("delete", "networkpolicy", POLICY),
        ("patch", "secret", SECRET, "--patch", '{"data": {"password": "Y2hhbmdlZA=="}}'),
        ("patch", "secret", certificate["metadata"]["name"], "--patch", json.dumps({"data": swapped})),
        ("patch", "service", "minio", "--type=json", "--patch", json.dumps(port)),
        ("label", "namespace", NAMESPACE, "modelmesh-enabled-"),
    ):
        deployed.stack.run(deployed.stack.kubectl("--namespace", NAMESPACE, *change), quiet=True)


def make(operation: str, stack: Stack, instance: str) -> subprocess.CompletedProcess[str]:
    """As `make` does."""
    command = [sys.executable, "-m", "cli", operation, "--stack", stack.name, "--instance", instance]
    ended = subprocess.run(command, cwd=stack.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(ended.stdout)
    return ended


def make_up(deployed: Deployment) -> bool:
    return make("up", deployed.stack, deployed.instance).returncode == 0


def plain_pulumi(deployed: Deployment) -> bool:
    return deployed.run("up", "--yes", "--skip-preview", "--refresh").succeeded


@pytest.mark.parametrize("restore", [make_up, plain_pulumi])
def test_changes_by_hand_are_named_and_restored(deployed: Deployment, restore: Callable[[Deployment], bool]) -> None:
    before = state(deployed)
    drifted(deployed)
    assert not any(state(deployed)[kind] == before[kind] for kind in before)
    told = make("drift", deployed.stack, deployed.instance)
    assert told.returncode == 7
    assert "has drifted" in told.stdout
    named = re.findall(r"\[urn=\S+[:/](\w+::\S+?)(?:-\d{4}h\d-\w+)?\]", told.stdout)
    assert set(named) >= CHANGED
    assert restore(deployed)
    assert state(deployed) == before
    assert make("drift", deployed.stack, deployed.instance).returncode == 0
