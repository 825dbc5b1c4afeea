"""Installations that could not work are refused before anything is registered, with every reason."""

from typing import Any

import pytest

from components.core.problem import InvalidSpecError
from components.images.pull_secret import ImagePullSecret
from components.installation.data_plane_tls import DataPlaneTls
from components.installation.modelmesh_serving import ModelMeshServing
from components.installation.modelmesh_serving_args import Controller
from components.installation.serving_config import Metrics, PayloadProcessor, Resources, RestProxy, ScaleToZero
from components.stores.etcd_connection import EtcdConnection
from tests.unit.stack.engine import run
from tests.unit.stack.installing import arguments
from tests.unit.stack.worlds import config


def sized(*, request: str = "1Gi", limit: str = "1Gi", cpu: str = "1") -> Resources:
    return Resources(requests={"cpu": "1", "memory": request}, limits={"cpu": cpu, "memory": limit})


def processors(**fields: Any) -> dict[str, Any]:
    return {"payload_processors": [PayloadProcessor(**({"scheme": "http", "host": "drift"} | fields))]}


WRONG_CONFIGS: list[tuple[dict[str, Any], str]] = [
    (
        {"service_name": "Models"},
        "config.service_name: 'Models', expected up to 63 lower-case letters, digits and -, with a letter first",
    ),
    ({"service_name": "1models"}, "config.service_name: '1models', expected"),
    ({"service_name": "x" * 64}, "with a letter first"),
    ({"service_port": 0}, "config.service_port: 0, expected 1 to 65535"),
    ({"service_port": 8085}, "config.service_port: 8085, expected a port that no container of the same pod listens on"),
    (
        {"service_port": 11890},
        "config.service_port: 11890, expected a port that no container of the same pod listens on",
    ),
    ({"service_port": 8888}, "config.service_port: 8888, expected a port that no container of the same pod listens on"),
    ({"service_port": 8008}, "config.rest_proxy.port: 8008, expected another port than that of config.service_port"),
    ({"rest_proxy": RestProxy(port=65536)}, "config.rest_proxy.port: 65536, expected 1 to 65535"),
    (
        {"metrics": Metrics(port=8033)},
        "config.metrics.port: 8033, expected another port than that of config.service_port",
    ),
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
        "config.mesh_resources.limits.memory: '448Mi', expected memory for 4 messages of max_message_bytes",
    ),
    (
        {"mesh_resources": sized(limit="256Mi", request="256Mi"), "max_message_bytes": 1},
        "expected memory for 4 messages of max_message_bytes (1), such as 448Mi (this leaves 0 MiB for messages), or",
    ),
    (
        {"mesh_resources": sized(), "max_message_bytes": 2**31 - 1},
        "config.mesh_resources.limits.memory: '1Gi', expected memory for 4 messages of max_message_bytes",
    ),
    ({"mesh_resources": sized(), "max_message_bytes": 2**31}, "max_message_bytes: 2147483648, expected 1 to"),
    ({"mesh_resources": sized(limit="much")}, "config.mesh_resources.limits.memory: 'much', expected a quantity"),
    (
        {"mesh_resources": sized(limit="512Mi")},
        "config.mesh_resources.limits.memory: '512Mi', expected at least the request, '1Gi'",
    ),
    (
        {"adapter_resources": sized(cpu="500m")},
        "config.adapter_resources.limits.cpu: '500m', expected at least the request, '1'",
    ),
    ({"adapter_resources": sized(cpu="much")}, "config.adapter_resources.limits.cpu: 'much', expected a quantity"),
    (
        {"rest_proxy": RestProxy(resources=Resources(requests={"cpu": "1"}, limits={"cpu": "1", "memory": "1Gi"}))},
        "config.rest_proxy.resources.requests.memory: missing, expected a quantity",
    ),
    (
        {"adapter_resources": Resources(requests={**sized().requests, "gpu": "1"}, limits=sized().limits)},
        "config.adapter_resources.requests: 'gpu', expected only cpu and memory, the resources that ModelMesh",
    ),
    (
        {"pod_labels": {"myTeam": "red"}},
        "config.pod_labels.myTeam: 'red', expected a key in lower case: the controller would change it to 'myteam'",
    ),
    ({"pod_labels": {"modelmesh-service": "x"}}, "modelmesh-service: 'x', expected none: ModelMesh finds its pods"),
    ({"pod_labels": {"team": "a b"}}, "config.pod_labels.team: 'a b', expected up to 63 letters"),
    ({"pod_labels": {"a/b/c": "d"}}, "config.pod_labels: 'a/b/c', expected [domain/]name as a key"),
    ({"pod_labels": {"/a": "b"}}, "config.pod_labels: '/a', expected [domain/]name as a key"),
    (
        {"pod_annotations": {"Note": "x"}},
        "config.pod_annotations.Note: 'x', expected a key in lower case: the controller would change it to 'note'",
    ),
    ({"image_pull_secrets": [ImagePullSecret(name="Pull")]}, "config.image_pull_secrets[0].name: 'Pull', expected"),
    (
        {"image_pull_secrets": [ImagePullSecret(name="p")] * 2},
        "config.image_pull_secrets[1].name: 'p', expected each value once",
    ),
    (
        {"built_in_server_types": []},
        "config.built_in_server_types: [], expected at least one of triton, mlserver, ovms, torchserve",
    ),
    ({"built_in_server_types": ["ollama"]}, "config.built_in_server_types[0]: 'ollama', expected one of triton"),
    (
        {"built_in_server_types": ["ovms", "ovms"]},
        "config.built_in_server_types[1]: 'ovms', expected each value once",
    ),
    (processors(scheme="https"), "config.payload_processors[0].scheme: 'https', expected logger or http"),
    (
        processors(host=""),
        "config.payload_processors[0].host: '', expected the host of the server that receives the payloads",
    ),
    (
        processors(host="http://drift"),
        "config.payload_processors[0].host: 'http://drift', expected a host without scheme and path",
    ),
    (processors(host="a b"), "config.payload_processors[0].host: 'a b', expected no spaces"),
    (processors(path="in?x"), "config.payload_processors[0].path: (not shown), expected no spaces, ? or #"),
    (processors(port=0), "config.payload_processors[0].port: 0, expected 1 to 65535"),
    (
        processors(scheme="logger"),
        "config.payload_processors[0]: (not shown), expected no host, port or path: the logger runs in the mesh",
    ),
    (
        processors(scheme="logger", host="", port=80),
        "config.payload_processors[0]: (not shown), expected no host, port or path: the logger runs in the mesh",
    ),
    (
        processors(scheme="logger", host="", path="/in"),
        "config.payload_processors[0]: (not shown), expected no host, port or path: the logger runs in the mesh",
    ),
    (
        {"payload_processors": [PayloadProcessor(scheme="logger")] * 2},
        "config.payload_processors[1]: (not shown), expected each value once",
    ),
    (
        {"mesh_environment": {"MM_SVC_GRPC_MAX_MSG_SIZE": "1"}},
        "MM_SVC_GRPC_MAX_MSG_SIZE: (not shown), expected config.max_message_bytes, from which the controller sets",
    ),
    (
        {"mesh_environment": {"MM_LOG_EACH_INVOKE": "true"}},
        "config.mesh_environment.MM_LOG_EACH_INVOKE: (not shown), expected config.access_logging, from which the",
    ),
    (
        {"mesh_environment": {"MM_PAYLOAD_PROCESSORS": "x"}},
        "config.mesh_environment.MM_PAYLOAD_PROCESSORS: (not shown), expected config.payload_processors, from",
    ),
    (
        {"mesh_environment": {"MM_SVC_GRPC_PORT": "1"}},
        "config.mesh_environment.MM_SVC_GRPC_PORT: (not shown), expected config.service_port, from which the",
    ),
    (
        {"mesh_environment": {"MM_KVSTORE_PREFIX": "x"}},
        "MM_KVSTORE_PREFIX: (not shown), expected no such variable: the controller sets it for each pod",
    ),
    (
        {"mesh_environment": {"MM_DEFAULT_VMODEL_OWNER": "x"}},
        "MM_DEFAULT_VMODEL_OWNER: (not shown), expected no such variable: the controller sets it for each pod",
    ),
    (
        {"mesh_environment": {"SHUTDOWN_TIMEOUT_MS": "1"}},
        "SHUTDOWN_TIMEOUT_MS: (not shown), expected no such variable: the controller sets it for each pod",
    ),
    (
        {"mesh_environment": {"1 X": "1"}},
        'config.mesh_environment["1 X"]: (not shown), expected a name of letters, digits, -, _ and ., which does',
    ),
    ({"puller_command": []}, "config.puller_command: [], expected a program"),
    ({"puller_command": ["/pull", ""]}, "config.puller_command: ['/pull', ''], expected a program"),
    ({"management_endpoint": ""}, "config.management_endpoint: '', expected <host>:<port> or None"),
    ({"management_endpoint": "a b"}, "config.management_endpoint: 'a b', expected <host>:<port> or None"),
]
WRONG_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"scope": "galaxy"}, "scope: 'galaxy', expected cluster or namespace"),
    ({"definitions": "mine"}, "definitions: 'mine', expected one of own, kept, existing"),
    ({"namespace_name": "Serving"}, "namespace_name: 'Serving', expected up to 63 lower-case letters"),
    ({"model_namespaces": []}, "model_namespaces: [], expected at least one namespace to serve models in"),
    ({"model_namespaces": ["Team"]}, "model_namespaces[0]: 'Team', expected"),
    ({"model_namespaces": ["a", "a"]}, "model_namespaces[1]: 'a', expected each value once"),
    (
        {"scope": "namespace"},
        "model_namespaces[1]: 'team-a', expected 'serving', the only namespace of this controller, or scope",
    ),
    ({"built_in_runtimes": ["ollama-1.x"]}, "built_in_runtimes[0]: 'ollama-1.x', expected one of triton-2.x"),
    ({"built_in_runtimes": ["ovms-1.x", "ovms-1.x"]}, "built_in_runtimes[1]: 'ovms-1.x', expected each value once"),
    (
        {"built_in_runtimes": ["ovms-1.x"], "config": config(built_in_server_types=["mlserver"])},
        "built_in_runtimes[0]: 'ovms-1.x', expected 'ovms' among config.built_in_server_types",
    ),
    (
        {"built_in_runtimes": ["torchserve-0.x"], "config": config(service_name="x" * 50)},
        "built_in_runtimes[0]: 'torchserve-0.x', expected a name that is 2 characters shorter:",
    ),
    ({"controller": Controller(replicas=0)}, "controller.replicas: 0, expected 1 or more"),
    (
        {"controller": Controller(resources=sized(limit="512Mi"))},
        "controller.resources.limits.memory: '512Mi', expected at least the request, '1Gi'",
    ),
    ({"webhook_certificate": "none"}, "webhook_certificate: 'none', expected own or cert-manager"),
    (
        {"tls": DataPlaneTls(client_auth="maybe")},  # type: ignore[arg-type]
        "tls.client_auth: 'maybe', expected require or optional",
    ),
    ({"tls": DataPlaneTls(existing_secret="Mesh")}, "tls.existing_secret: 'Mesh', expected lower-case letters"),  # noqa: S106
    (
        {"tls": DataPlaneTls(existing_secret="mesh", dns_names=["x.example"])},  # noqa: S106
        "tls.dns_names: ['x.example'], expected none together with existing_secret, whose certificate has names",
    ),
    (
        {"tls": DataPlaneTls(dns_names=["10.0.0.1"])},
        "tls.dns_names[0]: '10.0.0.1', expected a DNS name: clients do not look for an IP address among DNS names",
    ),
    ({"tls": DataPlaneTls(dns_names=["a b"])}, "tls.dns_names[0]: 'a b', expected lower-case letters"),
    ({"etcd": EtcdConnection(endpoints=[], root_prefix="x")}, "etcd.endpoints: [], expected one or more URLs"),
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
            problems.extend(map(str, invalid.problems))

    assert not run(program).resources
    (problem,) = problems
    assert expected in problem


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
        {"mesh_resources": sized(request="512Mi", limit="512Mi"), "max_message_bytes": 111 * 2**18},
        {"rest_proxy": RestProxy(enabled=False, port=8033)},
        {"metrics": Metrics(enabled=False, port=8033)},
        {"management_endpoint": "localhost:8033"},
        {"service_account_name": ""},
        {"service_port": 8888, "built_in_server_types": ["mlserver"]},
        {"pod_labels": {"example.com/team": "Red", "empty": ""}},
    ],
)
def test_what_works_is_let_through(changes: dict[str, Any]) -> None:
    run(lambda: ModelMeshServing("modelmesh", arguments(config=config(**changes))))
