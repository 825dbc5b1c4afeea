"""Endpoints and built-in adapters of runtimes that ModelMesh could not work with are refused."""

from dataclasses import replace
from typing import Any

import pytest
from pulumi_kubernetes.core import v1

from components.runtimes.runtime_rules import runtime_problems
from components.runtimes.serving_runtime_spec import ServingRuntimeSpec
from tests.unit.stack.runtimes import adapter, container, mlserver, plain, refused, server
from tests.unit.stack.worlds import config


def tuned(**environment: str) -> ServingRuntimeSpec:
    return adapter(environment=[v1.EnvVarArgs(name=name, value=value) for name, value in environment.items()])


WRONG: dict[str, tuple[ServingRuntimeSpec, str]] = {
    # Endpoints
    "no management endpoint": (
        plain(grpc_endpoint=None),
        "spec.grpcEndpoint: missing, expected an endpoint, without which ModelMesh's controller panics; port:8085",
    ),
    "an endpoint without its kind": (plain(grpc_endpoint="8085"), "spec.grpcEndpoint: '8085', expected port:<1-65535>"),
    "a socket without its kind": (
        plain(grpc_data_endpoint="/run/mesh/sock"),
        "spec.grpcDataEndpoint: '/run/mesh/sock', expected port:<1-65535> or unix:",
    ),
    "an endpoint's port that is none": (
        plain(grpc_data_endpoint="port:0"),
        "spec.grpcDataEndpoint: 'port:0', expected",
    ),
    "a relative socket": (plain(grpc_data_endpoint="unix:a/b"), "spec.grpcDataEndpoint: 'unix:a/b', expected port:"),
    "a socket with a host": (plain(grpc_data_endpoint="unix://a/b"), "spec.grpcDataEndpoint: 'unix://a/b', expected"),
    "a socket in the root": (plain(grpc_data_endpoint="unix:/sock"), "spec.grpcDataEndpoint: 'unix:/sock', expected"),
    "a socket among the models": (
        plain(grpc_data_endpoint="unix:///models/sock"),
        "spec.grpcDataEndpoint: 'unix:///models/sock', expected port:<1-65535> or unix:<absolute path in a folder",
    ),
    "sockets in two folders": (
        plain(grpc_endpoint="unix:/one/sock", grpc_data_endpoint="unix:///two/sock"),
        "spec.grpcDataEndpoint: 'unix:///two/sock', expected a socket in the folder of spec.grpcEndpoint, '/one'",
    ),
    "a socket that the mesh would not see": (
        plain(grpc_endpoint="unix:/one/sock", storage_helper_disabled=True),
        "spec.grpcEndpoint: 'unix:/one/sock', expected port:<number>: without the storage helper, the mesh mounts",
    ),
    "a socket for a built-in adapter": (
        replace(mlserver(), grpc_endpoint="unix:/one/sock"),
        "spec.grpcEndpoint: 'unix:/one/sock', expected port:<number>, the only form for a built-in adapter",
    ),
    "requests for the puller": (
        plain(grpc_data_endpoint=None),
        "spec.grpcDataEndpoint: missing, expected an endpoint: requests would go to the puller, which does not",
    ),
    "requests for the adapter": (
        replace(mlserver(), grpc_data_endpoint=None),
        "spec.grpcDataEndpoint: missing, expected an endpoint: requests would go to the built-in adapter, which",
    ),
    "the port of the mesh's hook": (
        plain(grpc_data_endpoint="port:8090"),
        "spec.grpcDataEndpoint: 8090, expected another port: in the same pod this is the mesh's preStop hook",
    ),
    "the puller's port": (
        plain(grpc_data_endpoint="port:8086"),
        "spec.grpcDataEndpoint: 8086, expected another port: in the same pod this is the port of the puller",
    ),
    "the Service's port": (
        plain(grpc_endpoint="port:8033"),
        "spec.grpcEndpoint: 8033, expected another port: in the same pod this is the port of ModelMesh's Service",
    ),
    "the server's port for the adapter": (
        replace(mlserver(), grpc_data_endpoint="port:8085"),
        "spec.grpcDataEndpoint: 8085, expected another port than that of spec.grpcEndpoint, where the adapter",
    ),
    # The built-in adapter
    "an unknown adapter": (
        adapter(server_type="kfserver"),
        "spec.builtInAdapter.serverType: 'kfserver', expected one of triton, mlserver, ovms, torchserve",
    ),
    "no container for the adapter": (
        server(name="server"),
        "spec.containers: ['server'], expected one with the name 'mlserver', which is builtInAdapter.serverType",
    ),
    "no time to load": (
        adapter(load_timeout_seconds=0.05),
        "modelLoadingTimeoutMillis: 50, expected 100 or more",
    ),
    "no management port": (
        adapter(runtime_management_port=0),
        "spec.builtInAdapter.runtimeManagementPort: 0, expected the model server's port",
    ),
    "a management port that is the mesh's": (
        adapter(runtime_management_port=8089),
        "spec.builtInAdapter.runtimeManagementPort: 8089, expected another port: in the same pod this is the",
    ),
    "an adapter and no storage helper": (
        replace(mlserver(), storage_helper_disabled=True),
        "spec.storageHelper.disabled: True, expected false or none: spec.builtInAdapter always pulls models itself",
    ),
    "a value of the adapter said twice": (
        tuned(LOADTIME_TIMEOUT="1000"),
        "spec.builtInAdapter.env[0].name: 'LOADTIME_TIMEOUT', expected",
    ),
    "no memory request": (
        server(resources=v1.ResourceRequirementsArgs(requests={"cpu": "1"})),
        "spec.containers[0].resources.requests.memory: missing, expected a quantity: ModelMesh derives from it the",
    ),
    "a buffer as large as all memory": (
        adapter(memory_buffer_bytes=2**30),
        "spec.builtInAdapter.memBufferBytes: 1073741824, expected at least 10000000 bytes less than the memory",
    ),
    "a buffer that leaves too little": (
        adapter(memory_buffer_bytes=2**30 - 9_999_999),
        "spec.builtInAdapter.memBufferBytes: 1063741825, expected at least 10000000 bytes less than the memory",
    ),
    "models too large by default": (
        tuned(DEFAULT_MODELSIZE="600000000"),
        "spec.builtInAdapter.memBufferBytes: 134217728, expected at least 1200000000 bytes less than the memory",
    ),
    "a buffer below nothing": (adapter(memory_buffer_bytes=-1), "memBufferBytes: -1, expected 0 or more"),
}


@pytest.mark.parametrize(("spec", "expected"), WRONG.values(), ids=WRONG)
def test_an_endpoint_or_adapter_that_could_not_work_is_refused(spec: ServingRuntimeSpec, expected: str) -> None:
    (problem,) = refused(spec)
    assert expected in problem


def environment(**values: str) -> ServingRuntimeSpec:
    return server(env=[v1.EnvVarArgs(name=name, value=value) for name, value in values.items()])


def elsewhere(name: str) -> v1.EnvVarArgs:
    """A variable whose value is in a ConfigMap."""
    key = v1.ConfigMapKeySelectorArgs(name="settings", key=name)
    return v1.EnvVarArgs(name=name, value_from=v1.EnvVarSourceArgs(config_map_key_ref=key))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (environment(MLSERVER_GRPC_PORT="9000"), "'9000', expected 8001, the port of spec.grpcDataEndpoint"),
        (environment(MLSERVER_HTTP_PORT="8080"), "'8080', expected another port: in the same pod this is the mesh's"),
        (
            environment(MLSERVER_METRICS_PORT="8085"),
            "'8085', expected another port: in the same pod this is the port of",
        ),
        (environment(MLSERVER_MODELS_DIR="/models"), "'/models', expected /models/_mlserver_models, in which the"),
        (
            plain(container(env=[v1.EnvVarArgs(name="MLSERVER_HTTP_PORT", value="8033")])),
            "the port of ModelMesh's Serv",
        ),
    ],
)
def test_an_environment_that_contradicts_the_endpoints_is_refused(spec: ServingRuntimeSpec, expected: str) -> None:
    problem, *_ = refused(spec)
    assert problem.startswith("spec.containers[0].env[0].value: ")
    assert expected in problem


@pytest.mark.parametrize(
    "spec",
    [
        environment(
            MLSERVER_GRPC_PORT="8001",
            MLSERVER_HTTP_PORT="8002",
            MLSERVER_METRICS_PORT="$(OTHER_PORT)",
            MLSERVER_MODELS_DIR="/models/_mlserver_models/",
            OTHER_PORT="8080",
        ),
        server(env=[elsewhere(name) for name in ("MLSERVER_GRPC_PORT", "MLSERVER_HTTP_PORT", "MLSERVER_MODELS_DIR")]),
        replace(environment(MLSERVER_GRPC_PORT="8001"), grpc_data_endpoint="unix:/run/mesh/sock"),
        replace(
            environment(MLSERVER_MODELS_DIR="/elsewhere/_mlserver_models"),
            built_in_adapter=tuned(ROOT_MODEL_DIR="/elsewhere").built_in_adapter,
        ),
        plain(
            container(
                env=[
                    v1.EnvVarArgs(name="MLSERVER_GRPC_PORT", value="7000"),
                    v1.EnvVarArgs(name="MLSERVER_HTTP_PORT", value="8085"),  # no adapter listens there
                    v1.EnvVarArgs(name="MLSERVER_MODELS_DIR", value="/models"),
                ]
            )
        ),
    ],
)
def test_an_environment_that_agrees_with_the_endpoints_is_not_refused(spec: ServingRuntimeSpec) -> None:
    assert not refused(spec)


def test_the_pullers_port_is_free_where_there_is_no_puller() -> None:
    assert not refused(plain(grpc_data_endpoint="port:8086", storage_helper_disabled=True))
    adapted = replace(adapter(runtime_management_port=8086), grpc_data_endpoint="port:8086")
    assert not refused(replace(adapted, containers=server().containers))


def test_an_adapter_that_the_installation_does_not_know_is_refused() -> None:
    (problem,) = refused(mlserver(), config=config(built_in_server_types=["triton"]))
    assert problem == "spec.builtInAdapter.serverType: 'mlserver', expected one of triton"


@pytest.mark.parametrize(
    "spec",
    [
        plain(grpc_endpoint="port:8085"),
        plain(grpc_data_endpoint="port:1"),
        plain(grpc_endpoint="unix:/one/a", grpc_data_endpoint="unix:///one/b"),
        plain(grpc_endpoint="unix:/one/a", grpc_data_endpoint="unix:/one/b", storage_helper_disabled=True),
        plain(grpc_endpoint="unix:/one/sock"),
        plain(grpc_data_endpoint=None, storage_helper_disabled=True),
        plain(grpc_endpoint="unix:/one/sock", grpc_data_endpoint=None, storage_helper_disabled=True),
        server(resources=v1.ResourceRequirementsArgs(limits={"memory": "1Gi"})),
        tuned(MODELSIZE_MULTIPLIER="2"),
        tuned(DEFAULT_MODELSIZE="unknown"),
        adapter(memory_buffer_bytes=2**30 - 10_000_000),
        adapter(memory_buffer_bytes=0),
        adapter(load_timeout_seconds=0.1),
        replace(
            server(resources=v1.ResourceRequirementsArgs()),
            built_in_adapter=adapter(environment=[elsewhere("CONTAINER_MEM_REQ_BYTES")]).built_in_adapter,
        ),
        replace(adapter(runtime_management_port=1), containers=server().containers),
    ],
)
def test_what_works_is_not_refused(spec: ServingRuntimeSpec) -> None:
    assert not refused(spec)


@pytest.mark.parametrize(
    ("adapter", "expected"),
    [
        ({"runtimeManagementPort": None}, ["spec.builtInAdapter.runtimeManagementPort: None, expected the model ser"]),
        ({"modelLoadingTimeoutMillis": None}, ["spec.builtInAdapter.modelLoadingTimeoutMillis: 0, expected 100 or m"]),
        ({"memBufferBytes": None, "env": [{"name": "CONTAINER_MEM_REQ_BYTES", "value": "10000000"}]}, []),
    ],
)
def test_what_the_adapter_is_not_told_is_as_upstreams_default(adapter: dict[str, Any], expected: list[str]) -> None:
    spec = server().spec()
    told = (spec["builtInAdapter"] | adapter).items()
    spec["builtInAdapter"] = {key: value for key, value in told if value is not None}
    problems = [str(problem) for problem in runtime_problems({"metadata": {"name": "x"}, "spec": spec}, config())]
    assert [problem[: len(start)] for problem, start in zip(problems, expected, strict=True)] == expected


@pytest.mark.parametrize(("variable", "ignored"), [("ADAPTER_PORT", False), ("LOADING_CONCURRENCY", True)])
def test_a_variable_of_the_adapter_is_only_ignored_where_it_contradicts_no_endpoint(
    variable: str, *, ignored: bool
) -> None:
    document = {"metadata": {"name": "x"}, "spec": tuned(**{variable: "1"}).spec()}
    (problem,) = runtime_problems(document, config())
    assert problem.ignored is ignored
