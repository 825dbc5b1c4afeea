"""Which pods of a stack may connect to its stores, by the labels that its own objects and the controller set."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.upstream import config_tree
from tests.unit.stack.engine import Run, run_stack

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
NAMESPACE = "modelmesh-serving"
Namespace = tuple[str, dict[str, str]]
"""Name and labels of a namespace."""
STORE_NAMESPACE: Namespace = (NAMESPACE, {})
MODEL_NAMESPACE: Namespace = ("team-a", {"modelmesh-enabled": "true"})
OTHER_NAMESPACE: Namespace = ("other", {})


@pytest.fixture(scope="module")
def dev(config: dict[str, str], workplace: Path) -> Run:  # noqa: ARG001  the program runs in it
    return run_stack(config)


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector selects these labels."""
    assert selector.keys() <= {"matchLabels", "matchExpressions"}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        expression["operator"] == "Exists" and expression["key"] in labels
        for expression in selector.get("matchExpressions", ())
    )


def allowed(dev: Run, store: str, port: int, namespace: Namespace, labels: dict[str, str]) -> bool:
    """Whether a pod with these labels in that namespace may connect to the port."""
    spec = dev.one(POLICY, store).inputs["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app": store}}
    assert all(rule["ports"] for rule in spec["ingress"]), "a rule without ports allows all of them"
    return any(
        port in {each["port"] for each in rule["ports"]}
        and ("from" not in rule or any(_peer(peer, namespace, labels) for peer in rule["from"]))
        for rule in spec["ingress"]
    )


def _peer(peer: dict[str, Any], namespace: Namespace, labels: dict[str, str]) -> bool:
    name, namespace_labels = namespace
    # Without a namespace selector, a peer is in the namespace of the policy.
    placed = selects(peer["namespaceSelector"], namespace_labels) if "namespaceSelector" in peer else name == NAMESPACE
    return placed and selects(peer["podSelector"], labels)


MESH = {"modelmesh-service": "modelmesh-serving", "app.kubernetes.io/managed-by": "modelmesh-controller"}
"""Labels that the controller sets on the pods of runtimes."""


def controller(dev: Run) -> dict[str, str]:
    found = dev.one("kubernetes:apps/v1:Deployment", "modelmesh-controller").inputs
    return dict(found["spec"]["template"]["metadata"]["labels"])


def publisher(dev: Run, kind: str) -> dict[str, str]:
    (found,) = [resource for resource in dev.of(kind) if resource.urn.endswith("::model")]
    return dict(found.inputs["spec"]["template"]["metadata"]["labels"])


def test_etcd_lets_the_controller_and_mesh_pods_in(dev: Run) -> None:
    assert allowed(dev, "etcd", 2379, STORE_NAMESPACE, controller(dev))
    assert allowed(dev, "etcd", 2379, STORE_NAMESPACE, MESH)
    assert allowed(dev, "etcd", 2379, MODEL_NAMESPACE, MESH)


@pytest.mark.parametrize("kind", ["kubernetes:batch/v1:Job", "kubernetes:apps/v1:Deployment"])
def test_minio_lets_publishers_and_mesh_pods_in(dev: Run, kind: str) -> None:
    assert allowed(dev, "minio", 9000, STORE_NAMESPACE, publisher(dev, kind))
    assert allowed(dev, "minio", 9000, MODEL_NAMESPACE, publisher(dev, kind))
    assert not allowed(dev, "minio", 9000, OTHER_NAMESPACE, publisher(dev, kind))
    assert allowed(dev, "minio", 9000, STORE_NAMESPACE, MESH)
    assert allowed(dev, "minio", 9000, MODEL_NAMESPACE, MESH)


def test_etcds_health_is_open_to_all(dev: Run) -> None:
    assert allowed(dev, "etcd", 2381, OTHER_NAMESPACE, {"app": "curious"})


@pytest.mark.parametrize(("store", "port"), [("etcd", 2379), ("minio", 9000)])
def test_no_other_pod_is_let_in(dev: Run, store: str, port: int) -> None:
    assert not allowed(dev, store, port, STORE_NAMESPACE, {"app": "curious"})
    assert not allowed(dev, store, port, OTHER_NAMESPACE, MESH)
    assert not allowed(dev, store, port, OTHER_NAMESPACE, controller(dev))
    assert not allowed(dev, store, port, MODEL_NAMESPACE, controller(dev))


def test_publishers_have_no_business_with_etcd_nor_the_controller_with_minio(dev: Run) -> None:
    assert not allowed(dev, "etcd", 2379, STORE_NAMESPACE, publisher(dev, "kubernetes:batch/v1:Job"))
    assert not allowed(dev, "minio", 9000, STORE_NAMESPACE, controller(dev))


def test_upstreams_own_policy_selects_mesh_pods_by_the_same_label() -> None:
    documents = yaml.safe_load_all((config_tree() / "rbac/common/networkpolicy-runtimes.yaml").read_text())
    (policy,) = [document for document in documents if document]
    selector = policy["spec"]["podSelector"]
    assert selects(selector, MESH)
