"""What runtimes say of their pods, and in annotations, and what would not come true."""

from dataclasses import replace
from typing import Any

import pytest
from pulumi_kubernetes.core import v1

from components.installation.serving_config import ScaleToZero
from components.runtimes.serving_runtime_spec import Autoscaling, ServingRuntimeSpec
from tests.unit.stack.runtimes import container, mlserver, node_affinity, plain, refused
from tests.unit.stack.worlds import config

SCALED = {"serving.kserve.io/autoscalerClass": "hpa"}
WRONG: dict[str, tuple[ServingRuntimeSpec, str]] = {
    # Pods
    "a label that pods are found by": (
        plain(labels={"name": "mine"}),
        "spec.labels.name: 'mine', expected none: ModelMesh finds its pods by this label",
    ),
    "a label that is none": (plain(labels={"a": "b c"}), "spec.labels.a: 'b c', expected up to 63 letters"),
    "a label's key that is none": (plain(labels={"a b": "c"}), "spec.labels: 'a b', expected [domain/]name as a key"),
    "a label's key whose prefix is no domain": (
        plain(labels={"a_b/c": "d"}),
        "spec.labels: 'a_b/c', expected [domain/]name as a key",
    ),
    "an annotation's key that is none": (
        plain(annotations={"-": "c"}),
        "spec.annotations: '-', expected [domain/]name",
    ),
    "an architecture that ModelMesh does not schedule to": (
        plain(node_selector={"kubernetes.io/arch": "s390x"}),
        "spec.nodeSelector[\"kubernetes.io/arch\"]: 's390x', expected amd64 or arm64, the only ones that ModelMesh",
    ),
    "a taint's key that is none": (
        plain(tolerations=[v1.TolerationArgs(key="a b", operator="Exists")]),
        "spec.tolerations[0].key: 'a b', expected [domain/]name as a key",
    ),
    "nodes that are not really required": (
        plain(affinity=node_affinity()),
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution: set, expected",
    ),
    "a pull secret's name that is none": (
        plain(image_pull_secrets=["My Secret"]),
        "spec.imagePullSecrets[0].name: 'My Secret', expected lower-case letters",
    ),
    # Annotations
    "models at once without an adapter": (
        plain(max_loading_concurrency=2),
        "metadata.annotations.maxLoadingConcurrency: '2', expected none without spec.builtInAdapter",
    ),
    "no model at once": (
        replace(mlserver(), max_loading_concurrency=0),
        "metadata.annotations.maxLoadingConcurrency: '0', expected a whole number as a text, 1 or more",
    ),
    "no request at once": (
        replace(mlserver(), per_model_concurrency_limit=0),
        "metadata.annotations.perModelConcurrencyLimit: '0', expected a whole number as a text, 1 or more",
    ),
    "a product's ConfigMap that is none": (
        plain(product_config="My Config"),
        "metadata.annotations.productConfig: 'My Config', expected lower-case letters",
    ),
    "an unknown metric": (
        mlserver(autoscaling=Autoscaling(metric="requests")),  # type: ignore[arg-type]
        "metadata.annotations[\"serving.kserve.io/metrics\"]: 'requests', expected cpu or memory",
    ),
    "more than all": (
        mlserver(autoscaling=Autoscaling(target_utilization_percentage=101)),
        "targetUtilizationPercentage\"]: '101', expected a whole number as a text, 1 to 100",
    ),
    "no pod at least": (
        mlserver(autoscaling=Autoscaling(min_replicas=0)),
        "metadata.annotations[\"serving.kserve.io/min-scale\"]: '0', expected a whole number as a text, 1 or more",
    ),
    "fewer at most than at least": (
        mlserver(autoscaling=Autoscaling(min_replicas=3, max_replicas=2)),
        "metadata.annotations[\"serving.kserve.io/max-scale\"]: '2', expected at least serving.kserve.io/min-scale,",
    ),
    "replicas and autoscaling": (
        mlserver(autoscaling=Autoscaling(), replicas=2),
        "spec.replicas: 2, expected none with serving.kserve.io/autoscalerClass: hpa, which sets the number",
    ),
    "autoscaling by nothing": (
        replace(
            plain(container(resources=v1.ResourceRequirementsArgs(limits={"memory": "1Gi"}))), autoscaling=Autoscaling()
        ),
        "spec.containers[0].resources.requests.cpu: missing, expected a quantity: the autoscaler compares the",
    ),
}


@pytest.mark.parametrize(("spec", "expected"), WRONG.values(), ids=WRONG)
def test_what_pods_could_not_be_is_refused(spec: ServingRuntimeSpec, expected: str) -> None:
    (problem,) = refused(spec)
    assert expected in problem


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        (
            {"serving.kserve.io/autoscalerClass": "none"},
            "autoscalerClass\"]: 'none', expected hpa, the only class that ModelMesh admits",
        ),
        (
            {"serving.kserve.io/autoscalerClass": "external"},
            "autoscalerClass\"]: 'external', expected hpa, the only class that ModelMesh admits",
        ),
        (
            {"serving.kserve.io/min-scale": "1"},
            "min-scale\"]: '1', expected none without serving.kserve.io/autoscalerClass:",
        ),
        (
            {"serving.kserve.io/metrics": "cpu"},
            "metrics\"]: 'cpu', expected none without serving.kserve.io/autoscalerClass: hpa",
        ),
        (
            {"autoscalerClass": "hpa"},
            "autoscalerClass: 'hpa', expected the key serving.kserve.io/autoscalerClass, which ModelMesh reads instead",
        ),
        (
            {"serving.kserve.io/maxLoadingConcurrency": "2"},
            "serving.kserve.io/maxLoadingConcurrency\"]: '2', expected the key maxLoadingConcurrency, which ModelMesh",
        ),
        ({"maxLoadingConcurrency": "two"}, "maxLoadingConcurrency: 'two', expected a whole number"),
        ({"maxLoadingConcurrency": 2}, "maxLoadingConcurrency: 2, expected a whole number as a text"),
        ({**SCALED, "serving.kserve.io/min-scale": "two"}, "min-scale\"]: 'two', expected a whole number"),
        ({**SCALED, "serving.kserve.io/max-scale": "two"}, "max-scale\"]: 'two', expected a whole number"),
        ({"-": "x"}, "metadata.annotations: '-', expected [domain/]name as a key"),
    ],
)
def test_raw_annotations_are_held_to_the_same_rules(annotations: dict[str, Any], expected: str) -> None:
    (problem,) = refused(mlserver(), annotations=annotations)
    assert expected in problem


def test_an_annotation_is_not_said_twice() -> None:
    spec = replace(mlserver(), max_loading_concurrency=2)
    (problem,) = refused(spec, annotations={"maxLoadingConcurrency": "3"})
    assert (
        problem == "metadata.annotations.maxLoadingConcurrency: '3', expected none: a field of the spec sets it to '2'"
    )


def test_a_label_that_kubernetes_would_not_take_is_refused() -> None:
    (problem,) = refused(mlserver(), labels={"team": "a b"})
    assert "metadata.labels.team: 'a b', expected" in problem


def test_autoscaling_needs_scale_to_zero_for_the_first_pods() -> None:
    never = config(scale_to_zero=ScaleToZero(enabled=False))
    (problem,) = refused(mlserver(autoscaling=Autoscaling()), config=never)
    assert (
        "metadata.annotations[\"serving.kserve.io/autoscalerClass\"]: 'hpa', expected spec.replicas instead, or"
        in problem
    )
    assert not refused(mlserver(autoscaling=Autoscaling()))


def test_other_annotations_are_left_alone() -> None:
    assert not refused(plain(annotations={"prometheus.io/scrape": "false"}))
