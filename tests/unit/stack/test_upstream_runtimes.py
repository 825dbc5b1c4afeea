"""Every runtime in upstream's tree can be said with the typed classes, and is refused only where it could not work."""

import typing
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import pulumi
import pytest
from pulumi import _types
from pulumi_kubernetes.core import v1

from components.core import annotations as keys
from components.core.rendering import Document, with_placeholders
from components.installation.declared_runtime import DeclaredRuntime
from components.runtimes.runtime_rules import runtime_problems
from components.runtimes.serving_runtime_spec import BuiltInAdapter, ModelFormat, ServingRuntimeSpec
from components.upstream import spec_problems
from tests.unit.stack.upstream_tree import upstream_documents
from tests.unit.stack.worlds import config

DOCUMENTS = dict(upstream_documents("ServingRuntime", "ClusterServingRuntime"))

FRAGMENTS = {
    "docs/architecture/isolation.md#1": "spec.containers: missing, expected a value",  # of a runtime's formats
    "docs/production-use/scaling.md#1": "spec.containers: missing, expected a value",  # of a runtime's annotations
}
"""Pieces of a runtime in the documentation, and what they lack of a whole one."""

REFUSED = {
    # A template, to be filled in: images pin nothing, and its data port is the one of the mesh's preStop hook.
    "docs/runtimes/custom_runtimes.md#1": [
        "spec.grpcDataEndpoint: 8090, expected another port: in the same pod this is the mesh's preStop hook",
        "spec.containers[0].image: 'samplemodelserver:latest', expected repository:tag (not latest)",
    ],
    # Another: its affinity only seems to bind, since upstream adds a term to it of which a node may match either.
    "docs/runtimes/custom_runtimes.md#2": [
        "spec.containers[0].image: 'image', expected repository:tag (not latest)",
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution: set, expected spec.nodeSelector",
    ],
    # And here the organisation is to be filled in.
    "docs/examples/python-custom-runtime/Python-Based-Custom-Runtime-with-Model-Stored-on-PVC.md#1": [
        "spec.containers[0].image: '<DOCKER-HUB-ORG>/custom-model-server:0.1', expected repository:tag (not latest)",
    ],
    "docs/runtimes/mlserver_custom.md#1": [
        "spec.containers[0].image: 'custom-image-name', expected repository:tag (not latest)"
    ],
    # Upstream's own example of a runtime that is KServe's and not ModelMesh's.
    "fvt/testdata/runtimes/non-mm-runtime.yaml#1": [
        "spec.multiModel: None, expected true",
        "spec.grpcEndpoint: missing",
        "spec.grpcDataEndpoint: missing",
        "spec.containers[0].image: 'fo', expected repository:tag (not latest)",
    ],
}


def typed(document: Document) -> ServingRuntimeSpec:
    """The spec in the typed classes, its annotations included; fields that no class has are left to the comparison."""
    spec, annotations = document["spec"], document["metadata"].get("annotations", {})
    adapter = spec.get("builtInAdapter")
    whole = {
        key: int(annotations[key]) for key in (keys.LOADING_CONCURRENCY, keys.MODEL_CONCURRENCY) if key in annotations
    }
    return ServingRuntimeSpec(
        containers=[arguments(v1.ContainerArgs, container) for container in spec["containers"]],
        supported_model_formats=[
            ModelFormat(name=entry["name"], version=entry.get("version"), auto_select=entry.get("autoSelect"))
            for entry in spec["supportedModelFormats"]
        ],
        disabled=spec.get("disabled"),
        protocol_versions=spec.get("protocolVersions", ()),
        grpc_endpoint=spec.get("grpcEndpoint"),
        grpc_data_endpoint=spec.get("grpcDataEndpoint"),
        replicas=spec.get("replicas"),
        storage_helper_disabled=spec.get("storageHelper", {}).get("disabled", False),
        built_in_adapter=BuiltInAdapter(
            server_type=adapter["serverType"],
            runtime_management_port=adapter["runtimeManagementPort"],
            memory_buffer_bytes=adapter["memBufferBytes"],
            load_timeout_seconds=adapter["modelLoadingTimeoutMillis"] / 1000,
            environment=[arguments(v1.EnvVarArgs, entry) for entry in adapter.get("env", ())],
        )
        if adapter
        else None,
        volumes=[arguments(v1.VolumeArgs, volume) for volume in spec.get("volumes", ())],
        node_selector=spec.get("nodeSelector", {}),
        tolerations=[arguments(v1.TolerationArgs, toleration) for toleration in spec.get("tolerations", ())],
        affinity=arguments(v1.AffinityArgs, spec["affinity"]) if "affinity" in spec else None,
        labels=spec.get("labels", {}),
        annotations=spec.get("annotations", {}),
        image_pull_secrets=[secret["name"] for secret in spec.get("imagePullSecrets", ())],
        max_loading_concurrency=whole.get(keys.LOADING_CONCURRENCY),
        per_model_concurrency_limit=whole.get(keys.MODEL_CONCURRENCY),
    )


def arguments(shape: type, value: Any) -> Any:
    """A plain mapping as Pulumi's argument class, by the types that the class itself tells of its fields."""
    names = {wire: name for name, wire in _types.input_type_py_to_pulumi_names(shape).items()}
    types = _types.input_type_types(shape)
    return shape(**{names[key]: converted(types[key], entry) for key, entry in value.items()})


def converted(shape: Any, value: Any) -> Any:
    choices = [choice for choice in typing.get_args(shape) if not _is_promise(choice)]
    if isinstance(value, Mapping) and _types.is_input_type(shape):
        return arguments(shape, value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        (entry,) = choices
        entry = next((choice for choice in typing.get_args(entry) if not _is_promise(choice)), entry)
        return [converted(entry, one) for one in value]
    return value


def _is_promise(shape: Any) -> bool:
    return typing.get_origin(shape) in (Awaitable, pulumi.Output)


@pytest.mark.parametrize("where", sorted(DOCUMENTS.keys() - FRAGMENTS.keys()))
def test_the_typed_classes_say_the_same(where: str) -> None:
    document = DOCUMENTS[where]
    told = typed(document)
    assert isinstance(told.containers[0], v1.ContainerArgs)
    assert told.spec() == {"multiModel": True} | document["spec"]
    annotations = document["metadata"].get("annotations", {})
    assert annotations.items() == told.metadata_annotations().items()


@pytest.mark.parametrize("where", sorted(DOCUMENTS.keys() - FRAGMENTS.keys()))
def test_only_what_could_not_work_is_refused(where: str) -> None:
    document = DOCUMENTS[where]
    problems = [*spec_problems(document["kind"], document["spec"]), *runtime_problems(document, config())]
    expected = REFUSED.get(where, [])
    assert len(problems) == len(expected), problems
    for problem, start in zip(problems, expected, strict=True):
        assert str(problem).startswith(start)


@pytest.mark.parametrize("where", FRAGMENTS)
def test_fragments_are_no_runtimes(where: str) -> None:
    document = DOCUMENTS[where]
    assert FRAGMENTS[where] in map(str, spec_problems(document["kind"], document.get("spec", {})))


def test_the_exceptions_are_of_documents_that_are_there() -> None:
    assert FRAGMENTS.keys() | REFUSED.keys() <= DOCUMENTS.keys()
    assert len(DOCUMENTS) == 13


def test_what_runtimes_promise_is_read_from_what_the_classes_say() -> None:
    promised = {
        where: DeclaredRuntime.of({**document, "spec": with_placeholders(typed(document).spec())})
        for where, document in DOCUMENTS.items()
        if where.startswith("config/runtimes/")
    }
    for where, declared in promised.items():
        assert declared == DeclaredRuntime.of(DOCUMENTS[where])
        assert declared.load_timeout_seconds == 90
        assert declared.pulls, "the adapter does"
    ovms = promised["config/runtimes/ovms-1.x.yaml#1"]
    assert ovms.takes("openvino_ir", "opset1", "grpc-v1", rest_proxy=True)
    assert not ovms.takes("onnx", "1", None, rest_proxy=True), "it has to be asked for by name"


@pytest.mark.parametrize(
    ("more", "pulls"),
    [
        ({}, True),
        ({"storageHelper": {"disabled": False}}, True),
        ({"storageHelper": {"disabled": True}}, False),
        ({"storageHelper": {"disabled": True}, "builtInAdapter": {"serverType": "mlserver"}}, True),
    ],
)
def test_who_fetches_models_is_read_too(more: dict[str, Any], *, pulls: bool) -> None:
    document = {"kind": "ClusterServingRuntime", "metadata": {"name": "x"}, "spec": {"multiModel": True, **more}}
    assert DeclaredRuntime.of(document).pulls is pulls


@pytest.mark.parametrize(
    ("spec", "disabled"),
    [
        ({"multiModel": True}, False),
        ({"multiModel": True, "disabled": True}, True),
        ({"multiModel": False}, True),
        ({}, True),
    ],
)
def test_a_runtime_that_modelmesh_ignores_counts_as_disabled(spec: dict[str, Any], *, disabled: bool) -> None:
    document = {"kind": "ClusterServingRuntime", "metadata": {"name": "x"}, "spec": spec}
    assert DeclaredRuntime.of(document).disabled is disabled


@pytest.mark.parametrize(
    ("version", "protocol", "rest_proxy", "taken"),
    [
        (None, None, False, True),
        ("1", "grpc-v2", False, True),
        ("2", None, True, False),
        ("1", "v2", False, False),
        ("1", "v2", True, True),
        ("1", "v1", True, False),
    ],
)
def test_a_runtime_takes_its_formats_versions_and_protocols(
    version: str | None, protocol: str | None, *, rest_proxy: bool, taken: bool
) -> None:
    formats = (("other", "2"), ("own", "1"))
    runtime = DeclaredRuntime(name="x", namespace=None, formats=formats, protocol_versions=("grpc-v2",))
    assert runtime.takes("own", version, protocol, rest_proxy=rest_proxy) is taken
    assert not runtime.takes("a third", version, protocol, rest_proxy=rest_proxy)
    without = DeclaredRuntime(name="x", namespace=None, formats=formats, protocol_versions=("grpc-v1",))
    assert not without.takes("own", "1", "v2", rest_proxy=rest_proxy)
