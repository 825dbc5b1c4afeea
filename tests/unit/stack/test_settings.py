"""The configuration: every mistake is named at once, and the stack files in the repository have none."""

import json
from pathlib import Path

import pulumi
import pytest

import config_schema
import settings
from tests.unit.stack.engine import run


def load(config: dict[str, str]) -> settings.Settings:
    loaded: list[settings.Settings] = []
    run(lambda: loaded.append(settings.load()), config=config)
    return loaded[0]


def problems(config: dict[str, str]) -> str:
    with pytest.raises(settings.BadConfiguration) as raised:
        load(config)
    assert isinstance(raised.value, pulumi.RunError), "no traceback"
    return str(raised.value)


def test_what_the_stack_does_not_say_has_the_default_of_the_schema(config: dict[str, str]) -> None:
    found = load(config)
    assert found.runtime_name == config_schema.schema()["runtimeName"]["default"] == "custom-runtime-0.x"
    assert found.model_source == Path(".build/models/sentiment")
    assert found.serving.pods_per_runtime == 1, "said by the stack file"
    assert found.build.insecure is True


def test_every_key_is_described_and_typed() -> None:
    for key, entry in config_schema.schema().items():
        assert entry["description"], key
        assert entry["type"] in {"string", "integer", "boolean", "object", "array"}, key


def test_all_mistakes_are_named_at_once(config: dict[str, str]) -> None:
    without_context = {key: value for key, value in config.items() if key != "modelmesh:context"}
    text = problems(
        without_context
        | {
            "modelmesh:podPerRuntime": "1",
            "modelmesh:restProxy": "maybe",
            "modelmesh:podsPerRuntime": "many",
            "modelmesh:loadTimeoutSeconds": "0",
            "modelmesh:namespace": "Model Mesh",
            "modelmesh:kubeconfig": " ",
            "modelmesh:runtimeMemory": "a lot",
            "modelmesh:meshResources": json.dumps({"requests": {"cpu": "1"}, "limit": {"cpu": "1"}}),
            "modelmesh:adapterResources": json.dumps({"requests": {"cpu": "x", "disk": "1Gi"}}),
            "modelmesh:buildArgs": json.dumps({"JOBS": 2}),
            "modelmesh:scope": "everywhere",
            "modelmesh:webhookCertificate": "mine",
            "modelmesh:persistence": json.dumps({"etcd": 1, "redis": "1Gi", "storageClass": 1}),
            "modelmesh:images": json.dumps({"etc": "x:1", "etcd": "etcd:latest"}),
        }
    )
    for expected in (
        "'dev' (Pulumi.dev.yaml)",
        "modelmesh:podPerRuntime: unknown key; known are adapterResources,",
        "modelmesh:restProxy: 'maybe', expected boolean",
        "modelmesh:podsPerRuntime: 'many', expected integer (Pods of each runtime)",
        "modelmesh:loadTimeoutSeconds: 0, expected 1 or more",
        "modelmesh:namespace: 'Model Mesh', expected up to 63 small letters",
        "modelmesh:kubeconfig: ' ', expected some text",
        "modelmesh:context: missing (Context in that file",
        "modelmesh:runtimeMemory: 'a lot', expected a quantity",
        "modelmesh:adapterResources.requests.cpu: 'x', expected a quantity",
        "modelmesh:adapterResources.requests.disk: unknown",
        "modelmesh:adapterResources.limits.cpu: missing",
        "modelmesh:meshResources.limit: unknown; known are requests, limits",
        "modelmesh:buildArgs.JOBS: 2, expected string",
        "modelmesh:scope: 'everywhere', expected cluster or namespace",
        "modelmesh:webhookCertificate: 'mine', expected own or cert-manager",
        "modelmesh:persistence.etcd: 1, expected string",
        "modelmesh:persistence.redis: unknown; known are etcd, minio, storageClass",
        "modelmesh:persistence.storageClass: 1, expected string",
        "modelmesh:images.etc: unknown image; known are modelmesh,",
        "modelmesh:images.etcd: 'etcd:latest' pins no image",
        "modelmesh:images.minio: missing; MinIO no longer publishes images",
    ):
        assert expected in text, text


def test_what_the_components_would_refuse_is_told_before_any_resource_is_registered(config: dict[str, str]) -> None:
    text = problems(
        config
        | {
            "modelmesh:modelFormat": "sklearn",
            "modelmesh:scope": "namespace",
            "modelmesh:modelNamespace": "elsewhere",
            "modelmesh:builtInRuntimes": json.dumps(["triton-3.x"]),
            "modelmesh:maxMessageBytes": "1073741824",
        }
    )
    for expected in (
        "modelmesh:modelFormat: formats[0].name: 'sklearn' makes",
        "modelmesh:modelNamespace: 'elsewhere', with scope 'namespace'",
        "modelmesh:builtInRuntimes[0]: 'triton-3.x', expected one of",
        "modelmesh:meshResources.limits.memory: '512Mi'",
    ):
        assert expected in text, text
    too_long = problems(config | {"modelmesh:runtimeName": "x" * 50})
    assert "68 characters long, 63 fit" in too_long
    too_small = problems(config | {"modelmesh:runtimeMemory": "100Mi"})
    assert "modelmesh:runtimeMemory: spec." in too_small
    assert "modelmesh:persistence.etcd: '512Mi', expected 1Gi" in problems(
        config | {"modelmesh:persistence": json.dumps({"etcd": "512Mi"})}
    )
    assert "modelmesh:imageRegistry: 'https://mirror'" in problems(
        config | {"modelmesh:imageRegistry": "https://mirror"}
    )


@pytest.mark.parametrize(
    ("key", "value"), [("podsPerRuntime", "1.5"), ("podsPerRuntime", "true"), ("restProxy", "1"), ("images", "[]")]
)
def test_types_are_exact(config: dict[str, str], key: str, value: str) -> None:
    assert f"modelmesh:{key}: '{value}', expected" in problems(config | {f"modelmesh:{key}": value})


def test_other_packages_keys_are_not_ours(config: dict[str, str]) -> None:
    load(config | {"kubernetes:whatever": "1", "pulumi:tags": "{}"})
