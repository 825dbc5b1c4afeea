"""Installations that could not work are refused before anything is registered, with every reason."""

from typing import Any

import pytest

from components.core.problem import InvalidSpecError
from components.images.pull_secret import ImagePullSecret
from components.installation.data_plane_tls import DataPlaneTls
from components.installation.modelmesh_serving import ModelMeshServing
from components.installation.modelmesh_serving_args import Controller
from components.installation.payload_processor import PayloadProcessor
from components.installation.serving_config import Metrics, Resources, RestProxy, ScaleToZero
from components.stores.etcd_connection import EtcdConnection
from tests.unit.stack.engine import run
from tests.unit.stack.installing import arguments
from tests.unit.stack.worlds import config


def sized(*, request: str = "1Gi", limit: str = "1Gi", cpu: str = "1") -> Resources:
    return Resources(requests={"cpu": "1", "memory": request}, limits={"cpu": cpu, "memory": limit})


def processors(**fields: Any) -> dict[str, Any]:
    return {"payload_processors": [PayloadProcessor(**({"scheme": "http", "host": "drift"} | fields))]}


WRONG_CONFIGS: list[tuple[dict[str, Any], str]] = [
    ({"service_name": "Models"}, "config.service_name: 'Models', expected up to 63 small letters"),
    ({"service_name": "1models"}, "config.service_name: '1models', expected"),
    ({"service_name": "x" * 64}, "with a letter first"),
    ({"service_port": 0}, "config.service_port: 0, expected 1 to 65535"),
    ({"service_port": 8085}, "config.service_port: 8085, which a container of the same pod listens on"),
    ({"service_port": 11890}, "config.service_port: 11890, which a container"),
    ({"service_port": 8888}, "config.service_port: 8888, which a container"),
    ({"service_port": 8008}, "config.rest_proxy.port: 8008, which is config.service_port already"),
    ({"rest_proxy": RestProxy(port=65536)}, "config.rest_proxy.port: 65536, expected 1 to 65535"),
    ({"metrics": Metrics(port=8033)}, "config.metrics.port: 8033, which is config.service_port already"),
    ({"metrics": Metrics(scheme="tcp")}, "config.metrics.scheme: 'tcp', expected http or https"),  # type: ignore[arg-type]
    ({"pods_per_runtime": 0}, "config.pods_per_runtime: 0, expected 1 to 65535"),
    ({"pods_per_runtime": 65536}, "config.pods_per_runtime: 65536, expected 1 to 65535"),
    ({"max_message_bytes": 0}, "config.max_message_bytes: 0, expected 1 to 2147483647"),
    ({"max_message_bytes": 2**31}, "config.max_message_bytes: 2147483648, expected 1 to 2147483647"),
    (
        {"scale_to_zero": ScaleToZero(grace_period_seconds=65536)},
        "config.scale_to_zero.grace_period_seconds: 65536, expected 0 to 65535",
    ),
    ({"storage_secret_name": "Storage"}, "config.storage_secret_name: 'Storage', expected lower-case letters"),
    ({"service_account_name": "a b"}, "config.service_account_name: 'a b', expected lower-case letters"),
    (
        {"mesh_resources": sized(limit="448Mi", request="448Mi"), "max_message_bytes": 2**25},
        "'448Mi' leaves 73 MiB for messages, expected room for 4 of max_message_bytes (33554432), as 576Mi has",
    ),
    ({"mesh_resources": sized(limit="256Mi", request="256Mi")}, "'256Mi' leaves 0 MiB for messages"),
    ({"mesh_resources": sized(limit="512Mi")}, "config.mesh_resources.limits.memory: '512Mi', expected at least '1Gi'"),
    ({"adapter_resources": sized(cpu="500m")}, "config.adapter_resources.limits.cpu: '500m', expected at least '1'"),
    ({"adapter_resources": sized(cpu="much")}, "config.adapter_resources.limits.cpu: 'much', expected a quantity"),
    (
        {"rest_proxy": RestProxy(resources=Resources(requests={"cpu": "1"}, limits={"cpu": "1", "memory": "1Gi"}))},
        "config.rest_proxy.resources.requests.memory: missing, expected a quantity",
    ),
    (
        {"adapter_resources": Resources(requests={**sized().requests, "gpu": "1"}, limits=sized().limits)},
        "config.adapter_resources.requests.gpu: unknown, ModelMesh Serving knows cpu and memory",
    ),
    ({"pod_labels": {"myTeam": "red"}}, "config.pod_labels.myTeam: upstream would make it 'myteam'"),
    ({"pod_labels": {"modelmesh-service": "x"}}, "modelmesh-service: 'x', expected none: ModelMesh finds its pods"),
    ({"pod_labels": {"team": "a b"}}, "config.pod_labels.team: 'a b', expected up to 63 letters"),
    ({"pod_labels": {"a/b/c": "d"}}, "config.pod_labels: 'a/b/c', expected [domain/]name as a key"),
    ({"pod_labels": {"/a": "b"}}, "config.pod_labels: '/a', expected [domain/]name as a key"),
    ({"pod_annotations": {"Note": "x"}}, "config.pod_annotations.Note: upstream would make it 'note'"),
    ({"image_pull_secrets": [ImagePullSecret(name="Pull")]}, "config.image_pull_secrets[0].name: 'Pull', expected"),
    (
        {"image_pull_secrets": [ImagePullSecret(name="p")] * 2},
        "config.image_pull_secrets[1]: 'p', expected a value other than",
    ),
    ({"built_in_server_types": []}, "config.built_in_server_types: empty, no runtime could run"),
    ({"built_in_server_types": ["ollama"]}, "config.built_in_server_types[0]: 'ollama', expected one of triton"),
    (
        {"built_in_server_types": ["ovms", "ovms"]},
        "config.built_in_server_types[1]: 'ovms', expected a value other than",
    ),
    (processors(scheme="https"), "config.payload_processors[0].scheme: 'https', expected logger or http"),
    (processors(host=""), "config.payload_processors[0].host: empty, expected the host"),
    (processors(host="http://drift"), "config.payload_processors[0].host: 'http://drift', expected a host alone"),
    (processors(host="a b"), "config.payload_processors[0].host: 'a b', expected no spaces"),
    (processors(path="in?x"), "config.payload_processors[0].path: (not shown), expected no spaces, ? and #"),
    (processors(port=0), "config.payload_processors[0].port: 0, expected 1 to 65535"),
    (processors(scheme="logger"), "config.payload_processors[0]: the logger is in the mesh itself"),
    (
        {"payload_processors": [PayloadProcessor(scheme="logger")] * 2},
        "config.payload_processors[1]: (not shown), expected a value other than that",
    ),
    (
        {"mesh_environment": {"MM_SVC_GRPC_MAX_MSG_SIZE": "1"}},
        "MM_SVC_GRPC_MAX_MSG_SIZE: ModelMesh Serving sets it, expected config.max_message_bytes instead",
    ),
    ({"mesh_environment": {"MM_LOG_EACH_INVOKE": "true"}}, "expected config.access_logging instead"),
    ({"mesh_environment": {"MM_PAYLOAD_PROCESSORS": "x"}}, "expected config.payload_processors instead"),
    ({"mesh_environment": {"MM_SVC_GRPC_PORT": "1"}}, "expected config.service_port instead"),
    ({"mesh_environment": {"MM_KVSTORE_PREFIX": "x"}}, "MM_KVSTORE_PREFIX: ModelMesh Serving sets it for each pod"),
    ({"mesh_environment": {"MM_DEFAULT_VMODEL_OWNER": "x"}}, "MM_DEFAULT_VMODEL_OWNER: ModelMesh Serving sets it"),
    ({"mesh_environment": {"SHUTDOWN_TIMEOUT_MS": "1"}}, "SHUTDOWN_TIMEOUT_MS: ModelMesh Serving sets it"),
    ({"mesh_environment": {"1 X": "1"}}, "config.mesh_environment.1 X: expected a name of letters"),
    ({"puller_command": []}, "config.puller_command: [], expected a program"),
    ({"management_endpoint": ""}, "config.management_endpoint: '', expected <host>:<port> or None"),
]
WRONG_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"scope": "galaxy"}, "scope: 'galaxy', expected cluster or namespace"),
    ({"definitions": "mine"}, "definitions: 'mine', expected one of own, kept, existing"),
    ({"namespace_name": "Serving"}, "namespace_name: 'Serving', expected up to 63 lower-case letters"),
    ({"model_namespaces": []}, "model_namespaces: empty, no model could be served"),
    ({"model_namespaces": ["Team"]}, "model_namespaces[0]: 'Team', expected"),
    ({"model_namespaces": ["a", "a"]}, "model_namespaces[1]: 'a', expected a value other than that of model"),
    (
        {"scope": "namespace"},
        "model_namespaces[1]: 'team-a', with scope 'namespace' the controller sees only its own, 'serving'",
    ),
    ({"built_in_runtimes": ["ollama-1.x"]}, "built_in_runtimes[0]: 'ollama-1.x', expected one of triton-2.x"),
    ({"built_in_runtimes": ["ovms-1.x", "ovms-1.x"]}, "built_in_runtimes[1]: 'ovms-1.x', expected a value other than"),
    (
        {"built_in_runtimes": ["ovms-1.x"], "config": config(built_in_server_types=["mlserver"])},
        "built_in_runtimes[0]: 'ovms-1.x' needs 'ovms' in config.built_in_server_types",
    ),
    (
        {"built_in_runtimes": ["torchserve-0.x"], "config": config(service_name="x" * 50)},
        "becomes a label and is 65 characters long, 63 fit",
    ),
    ({"controller": Controller(replicas=0)}, "controller.replicas: 0, expected 1 or more"),
    (
        {"controller": Controller(resources=sized(limit="512Mi"))},
        "controller.resources.limits.memory: '512Mi', expected at least '1Gi'",
    ),
    ({"webhook_certificate": "none"}, "webhook_certificate: 'none', expected own or cert-manager"),
    (
        {"tls": DataPlaneTls(client_auth="maybe")},  # type: ignore[arg-type]
        "tls.client_auth: 'maybe', expected require or optional",
    ),
    ({"tls": DataPlaneTls(existing_secret="Mesh")}, "tls.existing_secret: 'Mesh', expected lower-case letters"),  # noqa: S106
    (
        {"tls": DataPlaneTls(existing_secret="mesh", dns_names=["x.example"])},  # noqa: S106
        "tls.dns_names: an existing_secret has its names already",
    ),
    ({"tls": DataPlaneTls(dns_names=["10.0.0.1"])}, "tls.dns_names[0]: '10.0.0.1', expected a name"),
    ({"tls": DataPlaneTls(dns_names=["a b"])}, "tls.dns_names[0]: 'a b', expected lower-case letters"),
    ({"etcd": EtcdConnection(endpoints=[], root_prefix="x")}, "etcd.endpoints: empty, expected"),
]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [*WRONG_ARGUMENTS, *(({"config": config(**changes)}, expected) for changes, expected in WRONG_CONFIGS)],
    ids=[expected for _, expected in [*WRONG_ARGUMENTS, *WRONG_CONFIGS]],
)
def test_what_could_not_work_is_refused_and_nothing_is_registered(changes: dict[str, Any], expected: str) -> None:
    problems: list[str] = []

    def program() -> None:
        try:
            ModelMeshServing("modelmesh", arguments(**changes))
        except InvalidSpecError as invalid:
            problems.extend(invalid.problems)

    assert not run(program).resources
    assert expected in "\n".join(problems)


def test_all_problems_come_at_once() -> None:
    wrong = arguments(
        scope="namespace", config=config(pods_per_runtime=0, service_port=0), controller=Controller(replicas=0)
    )
    with pytest.raises(InvalidSpecError, match="ModelMeshServing 'modelmesh' cannot work") as raised:
        run(lambda: ModelMeshServing("modelmesh", wrong))
    assert len(raised.value.problems) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"mesh_resources": sized(request="256Mi", limit="512Mi")},
        {"mesh_resources": sized(limit="256Mi", request="256Mi"), "mesh_environment": {"HEAP_SIZE_MB": "32"}},
        {"rest_proxy": RestProxy(enabled=False, port=8033)},
        {"service_account_name": ""},
        {"service_port": 8888, "built_in_server_types": ["mlserver"]},
        {"pod_labels": {"example.com/team": "Red", "empty": ""}},
    ],
)
def test_what_works_is_let_through(changes: dict[str, Any]) -> None:
    run(lambda: ModelMeshServing("modelmesh", arguments(config=config(**changes))))
