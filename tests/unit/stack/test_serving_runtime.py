"""ServingRuntimes that could not work are refused before anything is registered, with every reason."""

from typing import Any

import pytest

from components import Cluster, InvalidSpec, ModelFormat, ServingRuntime, ServingRuntimeArgs
from components.rules.runtime import runtime_problems
from components.serving_runtime import runtime_spec
from components.upstream import spec_problems
from tests.unit.stack.engine import run


def arguments(**changes: Any) -> ServingRuntimeArgs:
    values: dict[str, Any] = {
        "cluster": Cluster(kubeconfig="/nowhere", context="none"),
        "namespace": "models",
        "runtime_name": "custom-runtime-0.x",
        "service_name": "modelmesh-serving",
        "image": "registry.example/runtime@sha256:0",
        "formats": [ModelFormat(name="custom-model", version="1")],
    }
    return ServingRuntimeArgs(**(values | changes))


def spec(**changes: Any) -> dict[str, Any]:
    return runtime_spec(arguments(), "an-image") | changes


def container(**changes: Any) -> dict[str, Any]:
    return spec(containers=[spec()["containers"][0] | changes])


def test_the_default_runtime_is_what_modelmesh_and_mlserver_agree_on() -> None:
    found = spec()
    assert not spec_problems("ServingRuntime", found)
    assert not runtime_problems("custom-runtime-0.x", "modelmesh-serving", found)
    assert found["supportedModelFormats"] == [{"name": "custom-model", "version": "1", "autoSelect": True}]
    assert (found["grpcEndpoint"], found["grpcDataEndpoint"]) == ("port:8085", "port:8001")
    assert found["builtInAdapter"] == {
        "serverType": "mlserver",
        "runtimeManagementPort": 8001,
        "memBufferBytes": 134217728,
        "modelLoadingTimeoutMillis": 90000,
    }
    environment = {entry["name"]: entry["value"] for entry in found["containers"][0]["env"]}
    assert environment["MLSERVER_MODELS_DIR"] == "/models/_mlserver_models/"
    assert environment["MLSERVER_HTTP_PORT"] == "8002"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (spec(multiModel=False), "spec.multiModel: False"),
        ({key: value for key, value in spec().items() if key != "grpcEndpoint"}, "spec.grpcEndpoint: missing"),
        (spec(grpcEndpoint="8085"), "spec.grpcEndpoint: '8085', expected port:<number> or unix:<path>"),
        (spec(grpcEndpoint="unix:/tmp/x"), "a built-in adapter needs port:<number>"),
        (
            spec(builtInAdapter={"serverType": "other"}),
            "spec.builtInAdapter.serverType: 'other', expected one of triton",
        ),
        (
            spec(builtInAdapter={"serverType": "mlserver"}),
            "modelLoadingTimeoutMillis: 0, ModelMesh refuses less than 100",
        ),
        (container(name="server"), "one has to be named 'mlserver'"),
        (container(name="mm"), "spec.containers[0].name: 'mm' is reserved"),
        (container(name="mm-x"), "spec.containers[0].name: 'mm-x' is reserved"),
        (container(name="mlserver-adapter"), "'mlserver-adapter' is reserved"),
        (container(readinessProbe={}), "spec.containers[0].readinessProbe: not allowed"),
        (container(lifecycle={}), "spec.containers[0].lifecycle: not allowed"),
        (container(ports=[{"containerPort": 8080}]), "containerPort: 8080 is used by ModelMesh"),
        (container(ports=[{"containerPort": 11890}]), "containerPort: 11890 is used by ModelMesh"),
        (container(ports=[{"name": "grpc", "containerPort": 9}]), "ports[0].name: 'grpc' is reserved"),
        (container(volumeMounts=[{"name": "tc-config"}]), "volumeMounts[0].name: 'tc-config' is a volume of ModelMesh"),
        (spec(volumes=[{"name": "models-dir"}]), "spec.volumes[0].name: 'models-dir' is reserved"),
    ],
)
def test_what_only_the_controllers_log_would_tell(wrong: dict[str, Any], expected: str) -> None:
    assert expected in "\n".join(runtime_problems("custom-runtime-0.x", "modelmesh-serving", wrong))


def test_a_name_too_long_for_a_label_is_refused() -> None:
    (problem,) = runtime_problems("x" * 50, "modelmesh-serving", spec())
    assert "68 characters long, 63 fit" in problem


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (spec(multimodel=True), "spec: unknown field 'multimodel'; known are affinity,"),
        (container(imagePullPolcy="Always"), "spec.containers[0]: unknown field 'imagePullPolcy'"),
        (
            spec(supportedModelFormats=[{"version": "1"}]),
            "spec.supportedModelFormats[0]: 'name' is a required property",
        ),
        (
            spec(supportedModelFormats=[{"name": "x", "priority": 0}]),
            "spec.supportedModelFormats[0].priority: 0 is less",
        ),
        (spec(replicas="two"), "spec.replicas: 'two' is not of type integer"),
        ({key: value for key, value in spec().items() if key != "containers"}, "'containers' is a required property"),
    ],
)
def test_what_the_definition_does_not_allow(wrong: dict[str, Any], expected: str) -> None:
    assert expected in "\n".join(spec_problems("ServingRuntime", wrong))


def test_quantities_may_be_numbers_or_text() -> None:
    assert not spec_problems("ServingRuntime", container(resources={"limits": {"cpu": 2, "memory": "1Gi"}}))


def test_all_problems_come_at_once_and_nothing_is_registered() -> None:
    wrong = arguments(formats=[ModelFormat(name="sklearn")], load_timeout_seconds=0, runtime_name="x" * 60)
    with pytest.raises(InvalidSpec) as raised:
        run(lambda: ServingRuntime("runtime", wrong))
    assert len(raised.value.problems) == 3
    assert "makes the MLServer adapter load MLServer's own class" in str(raised.value)
    with pytest.raises(InvalidSpec, match="supportedModelFormats: empty"):
        run(lambda: ServingRuntime("runtime", arguments(formats=[])))
