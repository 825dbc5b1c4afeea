"""InferenceServices that would not be served, or not as they say, are refused before anything is registered."""

import copy
import dataclasses
from typing import Any

import pytest

from components.core.rendering import KNOWN_LATER
from components.installation.declared_runtime import DeclaredRuntime
from components.installation.serving_config import RestProxy
from components.services.inference_service import namespace_context
from components.services.model_location import ModelPath, StorageUri
from components.services.namespace_context import NamespaceContext
from components.services.service_rules import service_problems
from components.upstream import spec_problems
from tests.unit.stack.engine import run
from tests.unit.stack.serving import MLSERVER, MODEL, TORCHSERVE, arguments, made, refused

CUSTOM = DeclaredRuntime(name="custom-0.x", namespace="models", formats=(("custom", "1"),), protocol_versions=("v1",))
ELSEWHERE = DeclaredRuntime(name="other-0.x", namespace="other", formats=(("other", None),))
OFF = DeclaredRuntime(name="off-0.x", namespace=None, formats=(("off", None),), disabled=True)


TYPED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    # Names and annotations
    ({"model_name": "Sentiment"}, {}, "metadata.name: 'Sentiment', expected lower-case letters, digits, - and ."),
    ({"model_name": "x" * 239}, {}, "expected at most 238 characters, not 239"),
    (
        {"annotations": {"serving.kserve.io/deploymentMode": "modelmesh"}},
        {},
        "metadata.annotations[\"serving.kserve.io/deploymentMode\"]: 'modelmesh', expected 'ModelMesh'",
    ),
    (
        {"annotations": {"serving.kserve.io/autoscalerClass": "hpa"}},
        {},
        "metadata.annotations[\"serving.kserve.io/autoscalerClass\"]: 'hpa', expected none: ModelMesh ignores it on a",
    ),
    (
        {"annotations": {"serving.kserve.io/servingRuntime": "mlserver-1.x"}},
        {},
        "metadata.annotations[\"serving.kserve.io/servingRuntime\"]: 'mlserver-1.x', expected none beside",
    ),
    (
        {"annotations": {"serving.kserve.io/secretKey": "shared"}},
        {},
        f"metadata.annotations[\"serving.kserve.io/secretKey\"]: 'shared', expected none beside {MODEL}.storage.key,",
    ),
    (
        {
            "storage": ModelPath(path="a", schema_path="b.json", key="models"),
            "annotations": {"serving.kserve.io/schemaPath": "c.json"},
        },
        {},
        "metadata.annotations[\"serving.kserve.io/schemaPath\"]: 'c.json', expected none beside",
    ),
    ({"load_timeout_seconds": 0}, {}, "load_timeout_seconds: 0, expected more than 0"),
    ({"ready_timeout_seconds": -1}, {}, "ready_timeout_seconds: -1, expected more than 0"),
    # Other types
    ({"model_name": 5}, {}, "model_name: 5, expected a text"),
    ({"model_name": None}, {}, "model_name: None, expected a text"),
    ({"runtime": 5}, {}, "runtime: 5, expected a text"),
    ({"runtime": 5, "framework_field": True}, {}, "runtime: 5, expected a text"),
    ({"model_format": 5}, {}, f"{MODEL}.modelFormat.name: 5, expected a value of type string"),
    ({"protocol_version": 2}, {}, f"{MODEL}.protocolVersion: 2, expected a value of type string"),
    ({"storage": ModelPath(path=5, key="models")}, {}, f"{MODEL}.storage.path: 5, expected a value of type string"),  # type: ignore[arg-type]
    ({"storage": StorageUri(uri=5)}, {}, f"{MODEL}.storageUri: 5, expected a value of type string"),  # type: ignore[arg-type]
    ({"storage": StorageUri(uri="s3://a/b", key=5)}, {}, f"{MODEL}.storage.key: 5, expected a value of type string"),  # type: ignore[arg-type]
    # The older form
    (
        {"framework_field": True, "model_format": "paddle"},
        {},
        "spec.predictor.paddle: set, expected none: ModelMesh ignores it; declare a runtime that takes paddle and use",
    ),
    (
        {"framework_field": True, "model_format": "keras"},
        {},
        "model_format: 'keras', expected one of lightgbm, onnx",
    ),
    (
        {"framework_field": True, "model_format_version": "0"},
        {},
        "model_format_version: '0', expected none: the field predictor.<format> has no version",
    ),
    (
        {"framework_field": True, "runtime": "mlserver-2.x"},
        {},
        "metadata.annotations[\"serving.kserve.io/servingRuntime\"]: 'mlserver-2.x', expected one of mlserver-1.x",
    ),
    # Runtimes
    ({}, {"built_in": ()}, f"{MODEL}.runtime: missing, expected a runtime in namespace 'models'"),
    (
        {"model_format": "skleran"},
        {},
        f"{MODEL}.modelFormat.name: 'skleran', expected a format with autoSelect in an enabled runtime, of which there",
    ),
    (
        {"model_format_version": "0.23"},
        {},
        f"{MODEL}.modelFormat.version: '0.23', expected a version of 'sklearn' that a runtime takes, compared as text:",
    ),
    (
        {"protocol_version": "grpc-v1"},
        {},
        f"{MODEL}.protocolVersion: 'grpc-v1', expected a protocol of a runtime: mlserver-1.x speaks grpc-v2, v2",
    ),
    (
        {"protocol_version": "v2"},
        {"rest_proxy": RestProxy(enabled=False)},
        f"{MODEL}.protocolVersion: 'v2', expected a protocol of a runtime: mlserver-1.x speaks grpc-v2",
    ),
    (
        {"model_format": "pytorch-mar", "protocol_version": "v1"},
        {},
        "torchserve-0.x speaks none, and suits services that name none",
    ),
    ({"protocol_version": "grpc"}, {}, f"{MODEL}.protocolVersion: 'grpc', expected one of v1, v2, grpc-v1, grpc-v2"),
    (
        {"runtime": "mlserver"},
        {},
        f"{MODEL}.runtime: 'mlserver', expected one of mlserver-1.x, torchserve-0.x",
    ),
    ({"runtime": ""}, {}, f"{MODEL}.runtime: '', expected one of mlserver-1.x"),
    (
        {"runtime": "custom-0.x", "protocol_version": "v2", "runtimes": [CUSTOM]},
        {},
        f"{MODEL}.protocolVersion: 'v2', expected one that custom-0.x speaks: v1",
    ),
    (
        {"runtime": "off-0.x", "runtimes": [OFF]},
        {},
        f"{MODEL}.runtime: 'off-0.x', expected a runtime with multiModel: true that is not disabled",
    ),
    (
        {"model_format": "off", "runtimes": [OFF]},
        {},
        f"{MODEL}.modelFormat.name: 'off', expected a format with autoSelect in an enabled runtime",
    ),
    (
        {"runtime": "other-0.x", "runtimes": [ELSEWHERE]},
        {},
        "other-0.x is in namespace 'other', the service in 'models'",
    ),
    (
        {"model_format": "other", "runtimes": [ELSEWHERE]},
        {},
        f"{MODEL}.modelFormat.name: 'other', expected a format with autoSelect",
    ),
]


@pytest.mark.parametrize(("changes", "around", "expected"), TYPED, ids=[expected[:70] for *_, expected in TYPED])
def test_wrong_arguments_register_nothing(changes: dict[str, Any], around: dict[str, Any], expected: str) -> None:
    problems = refused(changes, around)
    assert expected in "\n".join(problems)
    assert len(problems) == 1 or "framework_field" in changes


BARE = DeclaredRuntime(name="bare-0.x", namespace="models", formats=(("bare", None), ("both", None), ("both", "1")))


@pytest.mark.parametrize(
    ("changes", "around", "end"),
    [
        ({"annotations": {"serving.kserve.io/deploymentMode": "modelmesh"}}, {}, "'modelmesh', expected 'ModelMesh'"),
        ({"runtime": "own-0.x"}, {}, "'own-0.x', expected one of mlserver-1.x, torchserve-0.x, bare-0.x"),
        (
            {"model_format": "own"},
            {"built_in": ()},
            "of which there is bare, both; for other formats of a runtime, name the runtime in `runtime`",
        ),
        *(
            ({"model_format": name, "model_format_version": "0.2"}, {}, f"as text: {taken}; omit it to match any")
            for name, taken in {"sklearn": "'0'", "both": "'1'", "bare": "none"}.items()
        ),
    ],
)
def test_what_a_service_may_ask_for_is_told_to_the_end(
    changes: dict[str, Any], around: dict[str, Any], end: str
) -> None:
    (problem,) = refused({"runtimes": [BARE], **changes}, around)
    assert problem.endswith(end)


CONTEXT = NamespaceContext(namespace="models", runtimes=[MLSERVER, TORCHSERVE], storage={"models": None})
DOCUMENT: dict[str, Any] = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "sentiment", "annotations": {"serving.kserve.io/deploymentMode": "ModelMesh"}},
    "spec": {
        "predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storage": {"key": "models", "path": "sklearn/a"}}}
    },
}
CONTAINER = [{"name": "own", "image": "own:1"}]
POD = "the pods belong to a runtime, which its models share; set it in the ServingRuntime"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("spec.transformer", {"containers": CONTAINER}, "run it as a separate workload in front of the model"),
        ("spec.explainer", {"containers": CONTAINER}, "run it as a separate workload beside the model"),
        ("spec.predictor.minReplicas", 1, "models share the pods of their runtime; set replicas or autoscaling there"),
        ("spec.predictor.maxReplicas", 2, "models share the pods of their runtime; set replicas or autoscaling there"),
        ("spec.predictor.scaleTarget", 2, "models share the pods of their runtime"),
        ("spec.predictor.scaleMetric", "cpu", "models share the pods of their runtime"),
        ("spec.predictor.canaryTrafficPercent", 10, "a new model gets all requests once it is loaded"),
        ("spec.predictor.containerConcurrency", 3, "set the annotation perModelConcurrencyLimit of the runtime"),
        ("spec.predictor.timeout", 60, "the caller sets the deadline of a request"),
        ("spec.predictor.batcher", {"maxBatchSize": 2}, "the model server batches requests"),
        ("spec.predictor.logger", {"mode": "all"}, "use payload processors of the installation"),
        ("spec.predictor.containers", CONTAINER, "put them into a ServingRuntime"),
        ("spec.predictor.huggingface", {"storageUri": "s3://a/b"}, "declare a runtime that takes huggingface"),
        ("spec.predictor.serviceAccountName", "me", POD),
        ("spec.predictor.nodeSelector", {"gpu": "yes"}, POD),
        ("spec.predictor.tolerations", [{"key": "gpu"}], POD),
        ("spec.predictor.volumes", [{"name": "own"}], POD),
        ("spec.predictor.model.image", "own:1", POD),
        ("spec.predictor.model.env", [{"name": "A", "value": "b"}], POD),
        ("spec.predictor.model.args", ["--verbose"], POD),
        ("spec.predictor.model.resources", {"limits": {"memory": "1Gi"}}, POD),
        ("spec.predictor.model.readinessProbe", {"periodSeconds": 5}, POD),
        ("spec.predictor.model.runtimeVersion", "1.3.2", "the runtime's image has a version"),
    ],
)
def test_what_modelmesh_ignores_is_refused_with_what_to_do_instead(path: str, value: Any, expected: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    *above, last = path.split(".")
    held = document
    for key in above:
        held = held[key]
    held[last] = value
    assert not spec_problems("InferenceService", document["spec"]), "only ModelMesh minds"
    (problem,) = [text for text in map(str, service_problems(document, CONTEXT)) if text.startswith(path)]
    assert problem.startswith(f"{path}: set, expected none: ModelMesh ignores it; {expected}")


@pytest.mark.parametrize(
    ("predictor", "expected"),
    [
        ({}, "spec.predictor.model: missing, expected a model, or one of the older fields lightgbm, onnx, pmml"),
        (
            {**DOCUMENT["spec"]["predictor"], "sklearn": {"storageUri": "s3://a/b"}},
            "spec.predictor: model and sklearn, expected one of them",
        ),
        (
            {"onnx": {"storageUri": "s3://a/b"}, "sklearn": {"storageUri": "s3://a/b"}},
            "spec.predictor: onnx and sklearn, expected one of them",
        ),
        (
            {"model": {"modelFormat": {"name": "sklearn"}, "storage": {"path": "a"}, "storageUri": "s3://a/b"}},
            "spec.predictor.model: both storageUri and storage.path, expected one of",
        ),
        (
            {"model": {"modelFormat": {"name": "sklearn"}, "storage": {"key": "models"}}},
            "spec.predictor.model.storageUri: missing, expected one of storageUri and storage.path",
        ),
    ],
)
def test_forms_that_typed_arguments_cannot_say(predictor: dict[str, Any], expected: str) -> None:
    document = DOCUMENT | {"spec": {"predictor": predictor}}
    (problem,) = service_problems(document, CONTEXT)
    assert expected in str(problem)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"storage": {"path": "a"}, "storageUri": "s3://a/b"}, ": both storageUri and storage.path"),
        ({"storage": {"key": "models"}}, ".storageUri: missing"),
    ],
)
def test_one_place_is_said_also_where_nothing_is_pulled(told: dict[str, Any], expected: str) -> None:
    own = dataclasses.replace(MLSERVER, pulls=False)
    document = DOCUMENT | {"spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, **told}}}}
    (problem,) = service_problems(document, dataclasses.replace(CONTEXT, runtimes=[own]))
    assert str(problem).startswith(f"{MODEL}{expected}, expected one of storageUri and storage.path")


def test_a_document_without_the_annotation_is_not_modelmeshs() -> None:
    document = DOCUMENT | {"metadata": {"name": "sentiment"}}
    (problem,) = service_problems(document, CONTEXT)
    path = 'metadata.annotations["serving.kserve.io/deploymentMode"]'
    assert str(problem) == f"{path}: missing, expected 'ModelMesh'; ModelMesh leaves objects without it to KServe"
    assert problem.ignored


def test_a_format_that_is_known_later_is_not_judged() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["spec"]["predictor"]["model"]["modelFormat"]["name"] = KNOWN_LATER
    assert not list(service_problems(document, CONTEXT))


def test_empty_fields_of_a_container_are_no_problem() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["spec"]["predictor"] |= {"tolerations": [], "nodeSelector": {}}
    document["spec"]["predictor"]["model"] |= {"name": "", "resources": {}, "env": []}
    assert not list(service_problems(document, CONTEXT))


def test_all_problems_come_at_once() -> None:
    wrong = {"model_name": "X", "model_format": "y", "storage": ModelPath(path="/z", key="k"), "protocol_version": "v3"}
    assert len(refused(wrong, {})) == 4


def test_a_runtime_of_the_namespace_stands_before_one_of_the_cluster_with_its_name() -> None:
    own = dataclasses.replace(MLSERVER, namespace="models", formats=(("custom", None),))
    assert refused({"runtimes": [own]}, {"built_in": (MLSERVER,)})
    made({"runtimes": [own], "model_format": "custom"}, built_in=(MLSERVER,))


def test_the_namespace_context_of_a_service_are_those_of_its_namespace() -> None:
    seen: list[NamespaceContext] = []
    run(lambda: seen.append(namespace_context(arguments({"runtimes": [CUSTOM]}, {"allow_any_pvc": True}))))
    assert seen[0].usable().keys() == {"mlserver-1.x", "torchserve-0.x", "custom-0.x"}
    assert seen[0].allow_any_pvc is True
    assert seen[0].storage is not None
    assert seen[0].storage["shared"] == {"type": "pvc", "name": "shared-models"}


@pytest.mark.parametrize(
    ("changes", "around"),
    [
        ({"model_format_version": "0", "protocol_version": "v2"}, {}),
        ({"load_timeout_seconds": 1, "ready_timeout_seconds": 1}, {}),
        ({"runtime": "mlserver-1.x"}, {}),
        ({"runtime": "mlserver-1.x", "protocol_version": "v2"}, {}),
        ({"runtime": "torchserve-0.x"}, {}),
        ({"runtime": "torchserve-0.x", "protocol_version": "grpc-v1"}, {}),
        ({"model_format": "custom", "runtimes": [CUSTOM]}, {"built_in": ()}),
    ],
)
def test_what_modelmesh_serves_is_not_refused(changes: dict[str, Any], around: dict[str, Any]) -> None:
    assert made(changes, **around).inputs["metadata"]["name"] == "sentiment"


def test_a_name_may_be_as_long_as_the_puller_can_take() -> None:
    assert made({"model_name": "x" * 238})


def test_an_older_form_may_name_its_runtime_by_an_annotation() -> None:
    named = {"serving.kserve.io/servingRuntime": "mlserver-1.x"}
    annotations = made({"framework_field": True, "annotations": named}).inputs["metadata"]["annotations"]
    assert annotations.items() >= named.items()
