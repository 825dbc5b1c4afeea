"""A wrong value of any key that a component checks is reported by that key, in the form of every problem."""

import json
import re
from typing import Any

import pytest

import settings
from components.checks import ROOT, Problem, Text
from settings.keys import KEYS, by_key
from settings.records import secret_problems
from tests.unit.stack.engine import run

pytestmark = pytest.mark.usefixtures("workplace", "docker_engine")

REF, DIGEST = "registry.example/image@sha256:{}".format("a" * 64), f"sha256:{'a' * 64}"
DOCKER = {"buildWith": "docker", "platforms": ["linux/amd64"]}
ETCD = {"endpoints": ["etcd"]}
S3 = {"endpointUrl": "https://s3.example", "region": "r", "accessKeyId": "i", "secretAccessKey": "k"}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "adapterResources": ({"adapterResources": {"requests": {"cpu": "x"}}}, "adapterResources.requests.cpu"),
    "bucket": ({"bucket": "My Bucket"}, "bucket"),
    "buildArgs": ({"buildArgs": {"my_url": "https://me:pw@host"}}, "buildArgs.my_url"),
    "buildCache": ({"buildCache": "cache"}, "buildCache"),
    "buildOnPreview": ({"buildOnPreview": True, **DOCKER}, "buildOnPreview"),
    "buildSecrets": ({"buildSecrets": {"a b": "x"}}, "buildSecrets"),
    "buildWith": ({"buildWith": "kaniko"}, "buildWith"),
    "builder": ({"builder": "x", **DOCKER}, "builder"),
    "builtInRuntimes": ({"builtInRuntimes": ["triton-3.x"]}, "builtInRuntimes[0]"),
    "controllerReplicas": ({"controllerReplicas": 0}, "controllerReplicas"),
    "customResourceDefinitions": ({"customResourceDefinitions": "mine"}, "customResourceDefinitions"),
    "etcd": ({"etcd": ETCD}, "etcd.endpoints[0]"),
    "goldenPredictions": ({"goldenPredictions": "absent"}, "goldenPredictions"),
    "imageRegistry": ({"imageRegistry": "https://mirror"}, "imageRegistry"),
    "images": ({"images": {"etcd": "etcd", "minio": "minio:1"}}, "images.etcd"),
    "inferenceService": ({"inferenceService": "No"}, "inferenceService"),
    "maxMessageBytes": ({"maxMessageBytes": 0}, "maxMessageBytes"),
    "meshResources": ({"meshResources": {"limits": {"cpu": "1"}}}, "meshResources.limits.memory"),
    "modelDigest": ({"modelImage": REF, "modelDigest": "x"}, "modelDigest"),
    "modelFormat": ({"modelFormat": "sklearn"}, "modelFormat"),
    "modelFormatVersion": ({"modelFormatVersion": "1,2"}, "modelFormatVersion"),
    "modelImage": ({"modelImage": "model:1", "modelDigest": DIGEST}, "modelImage"),
    "modelName": ({"modelName": "Model"}, "modelName"),
    "modelNamespace": ({"modelNamespace": "No"}, "modelNamespace"),
    "models": ({"models": [{"name": "No"}]}, "models[0].name"),
    "modelSource": ({"modelSource": "absent"}, "modelSource"),
    "namespace": ({"namespace": "No"}, "namespace"),
    "persistence": ({"persistence": {"etcd": "much"}}, "persistence.etcd"),
    "platforms": ({"platforms": ["arm64"]}, "platforms[0]"),
    "podsPerRuntime": ({"podsPerRuntime": 0}, "podsPerRuntime"),
    "pullSecrets": ({"pullSecrets": [{"name": "a", "registry": "r", "username": "u"}]}, "pullSecrets[0].password"),
    "registry": ({"registry": "https://registry.example"}, "registry"),
    "runtimeCpuLimit": ({"runtimeCpuLimit": "x"}, "runtimeCpuLimit"),
    "runtimeCpuRequest": ({"runtimeCpuRequest": "9"}, "runtimeCpuRequest"),
    "runtimeEnvironment": (
        {"runtimeEnvironment": {"MLSERVER_HTTP_PORT": "1"}},
        "runtimeEnvironment.MLSERVER_HTTP_PORT",
    ),
    "runtimeGpus": ({"runtimeGpus": {"nvidia.com/gpu": 0}}, 'runtimeGpus["nvidia.com/gpu"]'),
    "runtimeImage": ({"runtimeImage": "server:1"}, "runtimeImage"),
    "runtimeMemory": ({"runtimeMemory": "a lot"}, "runtimeMemory"),
    "runtimeName": ({"runtimeName": "No"}, "runtimeName"),
    "runtimeNodeSelector": ({"runtimeNodeSelector": {"pool": "a b"}}, "runtimeNodeSelector.pool"),
    "runtimeSharedMemory": ({"runtimeSharedMemory": "much"}, "runtimeSharedMemory"),
    "runtimeSource": ({"runtimeSource": "absent"}, "runtimeSource"),
    "runtimeTolerations": ({"runtimeTolerations": [{"key": "a", "effect": "No"}]}, "runtimeTolerations[0].effect"),
    "s3": ({"s3": S3 | {"endpointUrl": "s3.example"}, "persistence": {}}, "s3.endpointUrl"),
    "scope": ({"scope": "everywhere"}, "scope"),
    "storageKey": ({"storageKey": "a/b"}, "storageKey"),
    "tls": ({"tls": {"enabled": True, "clientAuth": "please"}}, "tls.clientAuth"),
    "webhookCertificate": ({"webhookCertificate": "mine"}, "webhookCertificate"),
}


def test_every_key_of_the_table_has_a_wrong_value_here() -> None:
    # ClusterGuard reports by two, which only the cluster shows to be wrong; an empty user or password is none at all.
    elsewhere = {"context", "namespacesExist", "registryUser", "registryPassword"}
    assert {key.split(".")[0] for key in KEYS.values()} - elsewhere == WRONG.keys()


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_value_is_reported_by_its_key(config: dict[str, str], key: str) -> None:
    changes, path = WRONG[key]
    texts = {f"modelmesh:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in changes.items()}
    with pytest.raises(settings.ConfigurationError) as raised:
        run(settings.load, config=config | texts, encrypted=["modelmesh:s3", "modelmesh:buildSecrets"])
    lines = str(raised.value).splitlines()[1:-1]
    assert any(line.startswith(f"  modelmesh:{path}: ") for line in lines), lines
    for line in lines:
        assert re.fullmatch(r"  modelmesh:[^:]+: .+, expected \S.*", line), line


def test_the_longest_path_decides_and_a_path_without_a_key_stays() -> None:
    def path(*parts: str | int) -> str:
        return str(by_key(Problem(ROOT, 0, "x").under(*parts)).path)

    assert path("model_namespace", "storage", "any", "bucket") == "bucket"
    assert path("model_namespace", "storage", "any", "endpoint_url") == "s3.endpointUrl"
    assert path("image", "build", "build_args", "my_arg") == "buildArgs.my_arg"
    assert path("elsewhere", 0) == "elsewhere[0]"


def test_a_problem_keeps_all_but_its_path() -> None:
    problem = Problem(ROOT / "model_namespace" / "storage" / "any" / "bucket", 0, "x", cure="write y", ignored=True)
    assert by_key(problem) == Problem(ROOT / "bucket", 0, "x", cure="write y", ignored=True)


def test_a_plain_secret_beside_an_encrypted_one_is_found() -> None:
    values = {"etcd": {"password": "hush", "clientKey": "hush"}, "pullSecrets": [{"password": "a"}, {"password": "a"}]}
    written = {
        "etcd": {"password": {"secure": "v1:x"}, "clientKey": "hush"},
        "pullSecrets": [{"password": {"secure": "v1:y"}}, {"password": "a"}],
    }
    found = list(secret_problems(values, frozenset(values), written))
    assert [str(problem.path) for problem in found] == ["pullSecrets[1].password", "etcd.clientKey"]
    assert "hush" not in "".join(map(str, found))


@pytest.mark.parametrize(
    "written", [{}, {"pullSecrets": [{"name": "a"}], "etcd": ["a"]}, {"pullSecrets": {}, "etcd": 1}]
)
def test_a_stack_file_may_hold_other_values_than_the_engine_hands_over(written: dict[str, Any]) -> None:
    values = {"etcd": {"password": "hush"}, "pullSecrets": [{"name": "a"}, {"name": "b", "password": "hush"}]}
    assert not [*secret_problems(values, frozenset(values), written)]


def test_a_problem_quotes_no_credentials() -> None:
    assert str(Problem(ROOT / "a.b" / 0, "https://me:pw@host", "x")) == "a.b[0]: (not shown), expected x"
    assert str(Problem(ROOT / "a" / "b.c", REF, "x")) == f"a[\"b.c\"]: '{REF}', expected x"
    assert str(Problem(ROOT / "a", Text("me@host"), "x")) == "a: me@host, expected x"
