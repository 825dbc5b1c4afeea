"""The configuration: every mistake is named at once, and the stack files in the repository have none."""

import json
import shutil
from pathlib import Path
from typing import Any

import pulumi
import pytest

import settings
from components.checks import KNOWN_LATER
from components.images import PromotedImage
from project.stack_file import UNREADABLE
from settings import schema
from tests.unit.stack.engine import encrypted_keys, run, stack_config
from tests.unit.stack.serving import S3
from tests.unit.stack.worlds import installation

pytestmark = pytest.mark.usefixtures("workplace")

DUPLICATE = ", expected each value once; [0] has it already"


def load(config: dict[str, str], *encrypted: str) -> settings.Settings:
    loaded: list[settings.Settings] = []
    run(lambda: loaded.append(settings.load()), config=config, encrypted=[f"modelmesh:{key}" for key in encrypted])
    return loaded[0]


def problems(config: dict[str, str], *encrypted: str) -> str:
    with pytest.raises(settings.ConfigurationError) as raised:
        load(config, *encrypted)
    assert isinstance(raised.value, pulumi.RunError), "no traceback"
    return str(raised.value)


def test_what_the_stack_does_not_say_has_the_default_of_the_schema(config: dict[str, str]) -> None:
    found = load(config)
    assert found.runtime_name == schema.schema()["runtimeName"]["default"] == "custom-runtime-0.x"
    assert found.values["modelSource"] == ".build/models/sentiment"
    assert found.serving.pods_per_runtime == 1, "said by the stack file"
    assert found.build.insecure is True
    assert found.build.credentials is None
    assert load(config | {"modelmesh:meshResources": "{}"}).serving.mesh_resources is None


def test_defaults_that_the_engine_passes_are_accepted(config: dict[str, str]) -> None:
    defaults = {f"modelmesh:{key}": entry.get("default") for key, entry in schema.schema().items()}
    passed = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in defaults.items()
        if value is not None
    }
    assert load(passed | config).s3 is None


@pytest.mark.parametrize("exist", [True, False])
def test_namespaces_that_are_said_to_exist_are_looked_for_and_not_made(config: dict[str, str], exist: bool) -> None:
    changes = {"namespace": "serving", "modelNamespace": "models", "namespacesExist": str(exist).lower()}
    found = load(config | {f"modelmesh:{key}": value for key, value in changes.items()})
    guard, names = found.guard(), ["serving", "models"]
    assert (guard.namespace_names, guard.existing_namespaces) == (([], names) if exist else (names, []))
    assert found.controller_namespace().exists is exist


@pytest.mark.parametrize(
    ("models", "exist", "expected"), [("models", True, True), ("models", False, False), ("serving", True, False)]
)
def test_the_namespace_of_models_is_looked_for_if_another_than_that_of_the_controller(
    config: dict[str, str], models: str, exist: bool, expected: bool
) -> None:
    def program() -> None:
        found.append(settings.load().models(installation(), storage=S3).exists)

    found: list[bool] = []
    changes = {"namespace": "serving", "modelNamespace": models, "namespacesExist": str(exist).lower()}
    run(program, config=config | {f"modelmesh:{key}": value for key, value in changes.items()})
    assert found == [expected]


def test_every_key_is_described_and_typed() -> None:
    for key, entry in schema.schema().items():
        assert entry["description"], key
        assert entry["type"] in {"string", "integer", "boolean", "object", "array"}, key
        assert "default" in entry, f"without a default for {key}, the engine ends before the program can say what to do"


def test_a_stack_that_names_no_cluster_is_told_how_to_get_one(config: dict[str, str]) -> None:
    without = {key: value for key, value in config.items() if key not in {"modelmesh:kubeconfig", "modelmesh:context"}}
    # A shell without the embedded node's environment has no key; the engine passes the defaults of Pulumi.yaml.
    for given in (without, without | {"modelmesh:kubeconfig": "", "modelmesh:context": ""}):
        text = problems(given)
        for expected in (
            "modelmesh:kubeconfig: missing, expected string with some text (Path of the kubeconfig file",
            "modelmesh:context: missing, expected string with some text (Context in that kubeconfig",
            'first run in this shell:\n  eval "$(.venv/bin/python -m embedded env)"\n',
            "For another one, set modelmesh:kubeconfig and modelmesh:context.",
        ):
            assert expected in text, text
    for one, missing in {"kubeconfig": "context", "context": "kubeconfig"}.items():
        half = problems(without | {f"modelmesh:{one}": "some-text"})
        assert f"modelmesh:{missing}: missing" in half
        assert "eval" not in half


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
            "modelmesh:runtimeEnvironment": json.dumps(
                {"A": 1, "B": {"secret": "b"}, "C": {"secret": "c", "kee": "c"}}
            ),
            "modelmesh:runtimeTolerations": json.dumps([{"tolerationSeconds": "5", "effects": "NoExecute"}]),
            "modelmesh:images": json.dumps({"etc": "x:1", "etcd": "etcd:latest"}),
        }
    )
    for expected in (
        "'dev' (Pulumi.dev.yaml)",
        "modelmesh:podPerRuntime: unknown key, expected a key of Pulumi.yaml, maybe podsPerRuntime",
        "modelmesh:restProxy: 'maybe', expected boolean",
        "modelmesh:podsPerRuntime: 'many', expected integer (Pods of each runtime)",
        "modelmesh:loadTimeoutSeconds: '0', expected integer of 1 or more (Time limit",
        "modelmesh:namespace: 'Model Mesh', expected up to 63 lower-case letters",
        "modelmesh:kubeconfig: ' ', expected string with some text (Path",
        "modelmesh:context: missing, expected string with some text (Context in that kubeconfig",
        "modelmesh:runtimeMemory: 'a lot', expected a quantity",
        "modelmesh:adapterResources.requests.cpu: 'x', expected a quantity",
        "modelmesh:adapterResources.requests: 'disk', expected only cpu and memory",
        "modelmesh:adapterResources.limits.cpu: missing",
        "modelmesh:meshResources.limit: unknown key, expected one of requests, limits",
        "modelmesh:buildArgs.JOBS: 2, expected string",
        "modelmesh:scope: 'everywhere', expected cluster or namespace",
        "modelmesh:webhookCertificate: 'mine', expected own or cert-manager",
        "modelmesh:persistence.etcd: 1, expected string",
        "modelmesh:persistence.redis: unknown key, expected one of etcd, minio, storageClass",
        "modelmesh:persistence.storageClass: 1, expected string",
        "modelmesh:runtimeEnvironment.A: (not shown), expected string or object (quote numbers)",
        "modelmesh:runtimeEnvironment.B.key: missing, expected string",
        "modelmesh:runtimeEnvironment.C.kee: unknown key, expected one of secret, key",
        "modelmesh:runtimeTolerations[0].tolerationSeconds: '5', expected integer",
        "modelmesh:runtimeTolerations[0].effects: unknown key, expected one of key, operator, value, effect",
        "modelmesh:images.etc: 'x:1', expected one of the keys modelmesh,",
        "modelmesh:images.etcd: 'etcd:latest', expected repository:tag (not latest)",
        "modelmesh:images.minio: missing, expected an image of MinIO, which no longer publishes any",
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
        "modelmesh:modelFormat: 'sklearn'",
        "modelmesh:modelNamespace: 'elsewhere', expected 'modelmesh-serving', the only namespace of this controller",
        "modelmesh:builtInRuntimes[0]: 'triton-3.x', expected one of",
        "modelmesh:meshResources.limits.memory: '512Mi'",
    ):
        assert expected in text, text
    too_long = problems(config | {"modelmesh:runtimeName": "x" * 50})
    assert f"modelmesh:runtimeName: '{'x' * 50}', expected" in too_long
    too_small = problems(config | {"modelmesh:runtimeMemory": "100Mi"})
    assert "modelmesh:runtimeMemory: " in too_small
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


def test_a_text_that_looks_like_a_number_is_a_text(config: dict[str, str]) -> None:
    assert load(config | {"modelmesh:modelFormatVersion": "1"}).values["modelFormatVersion"] == "1"


def test_only_the_stacks_own_store_limits_the_names_of_buckets(config: dict[str, str]) -> None:
    bucket = {"modelmesh:bucket": "models.example", "modelmesh:persistence": "{}"}
    assert "modelmesh:bucket: 'models.example', expected" in problems(config | bucket)
    store = json.dumps(dict.fromkeys(("region", "accessKeyId", "secretAccessKey"), "x") | {"endpointUrl": "https://s3"})
    assert load(config | bucket | {"modelmesh:s3": store}, "s3").s3


def test_a_namespace_for_all_is_told_by_one_key(config: dict[str, str]) -> None:
    text = problems(config | {"modelmesh:namespace": "No"})
    assert "modelmesh:namespace: 'No'" in text
    assert "modelmesh:modelNamespace" not in text


def test_what_the_engine_hands_over_in_the_environment_is_read(
    config: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = config | {"modelmesh:podsPerRuntime": "3", "modelmesh:buildSecrets": json.dumps({"token": "hush"})}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(given))
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps(["modelmesh:buildSecrets"]))
    assert load({}).serving.pods_per_runtime == 3


@pytest.mark.parametrize("content", ["", "# only a comment\n", "- a list\n", "config:\n", "encryptionsalt: v1\n"])
def test_a_stack_file_without_values_is_read(
    config: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    shutil.copytree(Path.cwd(), tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.dev.yaml").write_text(content)
    assert load(config)


def test_other_packages_keys_are_not_ours(config: dict[str, str]) -> None:
    load(config | {"kubernetes:whatever": "1", "pulumi:tags": "{}"})


def test_what_two_keys_cannot_say_together_is_told(config: dict[str, str]) -> None:
    ref = f"registry.example/runtime@sha256:{'a' * 64}"
    text = problems(
        config
        | {
            "modelmesh:runtimeImage": ref,
            "modelmesh:runtimeSource": "elsewhere",
            "modelmesh:modelImage": ref,
            "modelmesh:buildCache": "gha",
            "modelmesh:buildSecrets": json.dumps({"token": "hush"}),
            "modelmesh:registryUser": "somebody",
            "modelmesh:s3": json.dumps({"endpointUrl": "https://s3.example"}),
            "modelmesh:etcd": json.dumps({"endpoints": ["https://etcd.example.com:2379"]}),
            "modelmesh:tls": json.dumps({"clientAuth": "require"}),
        },
        "buildSecrets",
    )
    for expected in (
        "modelmesh:buildSecrets: (not shown), expected none: runtimeImage and modelImage are set",
        "modelmesh:runtimeSource: 'elsewhere', expected none: runtimeImage names a model server that is already built",
        "modelmesh:modelDigest: '', expected both modelImage and modelDigest",
        "modelmesh:buildCache: 'gha', expected none: runtimeImage and modelImage are set",
        "modelmesh:registryPassword: (not shown), expected both registryUser and registryPassword",
        "modelmesh:persistence.etcd: '1Gi', expected none: etcd names an existing store",
        "modelmesh:tls.clientAuth: 'require', expected none unless tls.enabled is true",
        "modelmesh:s3.secretAccessKey: missing",
    ):
        assert expected in text, text
    store = json.dumps(dict.fromkeys(("region", "accessKeyId", "secretAccessKey"), "x") | {"endpointUrl": "https://s3"})
    assert "modelmesh:persistence.minio: '1Gi', expected none: s3 names an existing store" in problems(
        config | {"modelmesh:s3": store}, "s3"
    )
    assert "modelmesh:registry: missing, expected where to push the model server" in problems(
        config | {"modelmesh:registry": ""}
    )


def test_the_mesh_is_one_of_three_words_and_there_if_it_has_to_be(config: dict[str, str]) -> None:
    assert "modelmesh:mesh: 'rael', expected one of auto, real, solo" in problems(config | {"modelmesh:mesh": "rael"})
    images = json.loads(config["modelmesh:images"])
    solo = json.dumps(images | {"modelmesh": f"registry.example/solo-mesh@sha256:{'a' * 64}"})
    text = problems(config | {"modelmesh:mesh": "real", "modelmesh:images": solo})
    assert "modelmesh:mesh: 'real', expected auto or solo, since the node has only solo mesh" in text
    load(config | {"modelmesh:mesh": "auto", "modelmesh:images": solo})
    load(config | {"modelmesh:mesh": "real"})


def test_a_ref_that_is_no_digest_and_a_build_that_cannot_be_are_told_by_their_keys(config: dict[str, str]) -> None:
    text = problems(
        config
        | {
            "modelmesh:runtimeImage": "registry.example/runtime:1",
            "modelmesh:platforms": json.dumps(["amd64"]),
            "modelmesh:buildWith": "kaniko",
            "modelmesh:buildCache": "registry.example/cache:latest",
            "modelmesh:registry": "https://registry.example",
        }
    )
    for expected in (
        "modelmesh:runtimeImage: 'registry.example/runtime:1'",
        "modelmesh:platforms[0]: 'amd64'",
        "modelmesh:buildWith: 'kaniko', expected buildkit or docker",
        "modelmesh:buildCache: 'registry.example/cache:latest'",
        "modelmesh:registry: 'https://registry.example'",
    ):
        assert expected in text, text


def test_stores_and_certificates_of_yours_are_told_by_their_keys(config: dict[str, str]) -> None:
    text = problems(
        config
        | {
            "modelmesh:persistence": "{}",
            "modelmesh:s3": json.dumps(
                {"endpointUrl": "s3.example", "region": "r", "accessKeyId": "i", "secretAccessKey": "k", "acl": "x"}
            ),
            "modelmesh:etcd": json.dumps(
                {"endpoints": ["etcd:2379"], "user": "u", "clientKey": "no key", "certificate": "no certificate"}
            ),
            "modelmesh:tls": json.dumps({"enabled": True, "clientAuth": "please", "dnsNames": "models.example"}),
            "modelmesh:pullSecrets": json.dumps([{"registry": "r"}, "x"]),
            "modelmesh:customResourceDefinitions": "mine",
        },
        "s3", "etcd",
    )  # fmt: skip
    for expected in (
        "modelmesh:s3.acl: unknown key, expected one of endpointUrl,",
        "modelmesh:etcd.endpoints[0]: 'etcd:2379', expected http(s)://",
        "modelmesh:etcd.password: missing, expected both fields of the pair user and password",
        "modelmesh:etcd.clientKey: not a private key",
        "modelmesh:etcd.certificate: not a certificate",
        "modelmesh:tls.dnsNames: 'models.example', expected array",
        "modelmesh:pullSecrets[0].name: missing, expected string",
        "modelmesh:pullSecrets[1]: (not shown), expected object",
        "modelmesh:customResourceDefinitions: 'mine', expected one of own, kept, existing",
    ):
        assert expected in text, text
    url = {"endpointUrl": "https://user:hush@s3.example", "region": "r", "accessKeyId": "i", "secretAccessKey": "k"}
    assert "modelmesh:s3.endpointUrl: (not shown), expected http" in problems(
        config | {"modelmesh:persistence": "{}", "modelmesh:s3": json.dumps(url)}, "s3"
    )
    url = {"endpointUrl": "s3.example", "region": "r", "accessKeyId": "i", "secretAccessKey": "k"}
    assert "modelmesh:s3.endpointUrl: 's3.example', expected http" in problems(
        config | {"modelmesh:persistence": "{}", "modelmesh:s3": json.dumps(url)}, "s3"
    )


def test_secrets_have_to_be_encrypted_and_are_never_shown(config: dict[str, str]) -> None:
    secret = "hush-hush"  # noqa: S105  a stand-in
    given = {
        "modelmesh:persistence": "{}",
        "modelmesh:registryUser": "somebody",
        "modelmesh:registryPassword": secret,
        "modelmesh:buildSecrets": json.dumps({"pip-index-url": secret}),
        "modelmesh:pullSecrets": json.dumps([{"name": "pull", "registry": "r", "username": "u", "password": secret}]),
        "modelmesh:s3": json.dumps(
            {"endpointUrl": "https://s3.example", "region": "r", "accessKeyId": "i", "secretAccessKey": secret}
        ),
        "modelmesh:etcd": json.dumps(
            {"endpoints": ["https://etcd.example.com:2379"], "user": "u", "password": secret}
        ),
    }  # fmt: skip
    text = problems(config | given)
    for path in ("registryPassword", "buildSecrets.pip-index-url", "pullSecrets[0].password", "s3.secretAccessKey"):
        option = "--secret --path" if "." in path else "--secret"
        how = f"pulumi config set {option} 'modelmesh:{path}'"
        assert f"modelmesh:{path}: in plain text, expected it encrypted, by {how}" in text, text
    assert "modelmesh:etcd.password: in plain text" in text
    assert secret not in text
    found = load(config | given, *(key.removeprefix("modelmesh:") for key in given if key != "modelmesh:persistence"))
    assert found.build.credentials
    assert found.build.credentials.password == secret
    assert secret not in problems(config | {"modelmesh:s3": secret}, "s3"), "of another type, too"
    for key, mistyped in {"s3": f'{{"a": "{secret}"', "pullSecrets": f'{{"a": "{secret}"}}', "etcd": secret}.items():
        assert secret not in problems(config | {f"modelmesh:{key}": mistyped}), "and in plain text"


@pytest.mark.parametrize(
    "content", ["apiVersion: v1\ntoken: hush", '{"token": "hush"}', "hush" * 99, "~nobody-of-that-name/hush"]
)
def test_a_kubeconfig_is_named_and_never_told(config: dict[str, str], content: str) -> None:
    text = problems(config | {"modelmesh:kubeconfig": content})
    assert "modelmesh:kubeconfig: (not shown), expected the path of a file" in text
    assert "hush" not in text


def test_no_key_is_encrypted_whose_value_the_stack_shows(config: dict[str, str]) -> None:
    text = problems(config, "buildArgs")
    assert "modelmesh:buildArgs: encrypted, expected plain text without secrets" in text
    url = json.dumps({"PIP_INDEX_URL": "https://user:hush@pip.example/simple"})
    text = problems(config | {"modelmesh:buildArgs": url})
    assert "modelmesh:buildArgs.PIP_INDEX_URL: (not shown), expected a URL without a user" in text
    assert "hush" not in text


def test_what_cannot_be_read_is_no_reason_to_refuse_a_preview_and_is_never_applied(config: dict[str, str]) -> None:
    unread = config | {"modelmesh:buildSecrets": json.dumps({"pip-index-url": UNREADABLE})}
    load(unread, "buildSecrets")
    load(config | {"modelmesh:pullSecrets": json.dumps([{"name": UNREADABLE}])}, "pullSecrets")
    with pytest.raises(
        settings.ConfigurationError, match=r"modelmesh:buildSecrets: \(a secret that cannot be read here\)"
    ):
        run(settings.load, config=unread, encrypted=["modelmesh:buildSecrets"], preview=False)
    text = problems(config | {"modelmesh:s3": UNREADABLE}, "s3")
    assert "modelmesh:s3: encrypted as a whole, expected only the secrets in it encrypted" in text


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"name": "Two"}, "name: 'Two', expected lower-case letters, digits, - and ., with a letter or digit"),
        ({"name": "two", "path": "/two"}, "path: '/two', expected a path from the top of the store, without /"),
        ({"name": "two", "path": "a/../b"}, "path: 'a/../b', expected a path without . and .."),
        ({"name": "one"}, "name: 'one', expected each name once; models[0] has it already"),
    ],
)
def test_a_model_that_cannot_be_served_is_told_by_its_place(
    config: dict[str, str], tmp_path: Path, entry: dict[str, str], expected: str
) -> None:
    listed = {"modelmesh:models": json.dumps([{"name": "one"}, entry])}
    assert f"  modelmesh:models[1].{expected}" in problems(config | listed)
    table = tmp_path / "models.csv"
    table.write_text(f"name,path\n{entry['name']},{entry.get('path', '')}\n")
    listed = {"modelmesh:models": json.dumps([{"name": "one"}]), "modelmesh:modelTable": str(table)}
    text = problems(config | listed)
    assert f"  modelmesh:modelTable, line 2.{expected}" in text
    assert len(text.splitlines()) == 3, text


def test_a_service_is_told_beside_a_runtime_that_has_no_spec(config: dict[str, str]) -> None:
    text = problems(config | {"modelmesh:modelFormat": "sklearn", "modelmesh:inferenceService": "a" * 239})
    assert "modelmesh:modelFormat: 'sklearn'" in text
    assert f"modelmesh:inferenceService: '{'a' * 239}', expected at most 238 characters" in text
    assert len(text.splitlines()) == 4, text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"registryUser": "me"}, "registryPassword: (not shown), expected both registryUser"),
        ({"registry": ""}, "registry: missing, expected where to push the model server and the model, which"),
        ({"modelSource": "nowhere"}, "modelSource: nowhere is not a folder, expected a folder with the model's files"),
        ({"modelName": "a" * 43}, "modelName: 'aaa"),
        ({"storageKey": ".."}, "storageKey: '..', expected a key of a Secret"),
        ({"storageKey": "default_gcs"}, "storageKey: 'default_gcs', expected another key"),
        ({"s3": {"endpointUrl": "https://s3"}, "images": {}, "persistence": {}}, "s3.region: missing"),
        ({"persistence": {"storageClass": "fast"}}, "persistence.storageClass: 'fast', expected a size"),
        ({"persistence": {"etcd": "1Gi", "minio": "1Gi", "storageClass": "A"}}, "persistence.storageClass: 'A'"),
        ({"runtimeName": "mlserver-1.x", "builtInRuntimes": ["mlserver-1.x"]}, "runtimeName: 'mlserver-1.x', expected"),
        ({"builtInRuntimes": ["ovms-1.x"] * 2}, f"builtInRuntimes[1]: 'ovms-1.x'{DUPLICATE}"),
        ({"pullSecrets": [{"name": "a"}] * 2}, f"pullSecrets[1].name: 'a'{DUPLICATE}"),
        ({"pullSecrets": [{"name": "a", "registry": "r.io", "username": "u"}]}, "pullSecrets[0].password: ''"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_its_key_and_once(config: dict[str, str], change: dict[str, Any], message: str) -> None:
    texts = {
        f"modelmesh:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in change.items()
    }
    _, first, *others = problems(config | texts).splitlines()
    assert first.startswith(f"  modelmesh:{message}")
    assert not [other for other in others if other.startswith(f"  modelmesh:{message.partition(':')[0]}:")]
    assert not any("modelmesh:images" in other for other in others)


def test_the_examples_of_staging_and_production_are_right() -> None:
    for stack in ("staging", "prod"):
        keys = [key.removeprefix("modelmesh:") for key in encrypted_keys(stack)]
        found = load(stack_config(stack), *keys)
        assert found.values["protect"]
        assert found.values["modelImage"]
        assert isinstance(found.runtime_image(), PromotedImage)
        assert found.values["tls"]["enabled"]
        assert found.values["controllerReplicas"] == 3
    assert found.s3
    assert found.outside_etcd


def test_a_mistake_in_the_stacks_file_is_told_with_its_line(
    config: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_file = """\
# A comment
config:
  modelmesh:podsPerRuntime: 0
  modelmesh:models:
    - name: good
    - name: Bad
"""
    shutil.copytree(Path.cwd(), tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.dev.yaml").write_text(stack_file)
    models = json.dumps([{"name": "good"}, {"name": "Bad"}])
    wrong = {"modelmesh:podsPerRuntime": "0", "modelmesh:models": models, "modelmesh:runtimeName": "No"}
    _, *lines = problems(config | wrong).splitlines()
    starts = (
        "  Pulumi.dev.yaml:3: modelmesh:podsPerRuntime: 0, expected",
        "  Pulumi.dev.yaml:6: modelmesh:models[1].name: 'Bad', expected",
        "  modelmesh:runtimeName: 'No', expected",  # by the command line or the environment
    )
    assert [start for start in starts if not any(line.startswith(start) for line in lines)] == [], lines


def test_the_runtime_gets_its_environment_devices_nodes_and_shared_memory(config: dict[str, str]) -> None:
    values = {
        "runtimeEnvironment": {"LOG_LEVEL": "debug", "HF_TOKEN": {"secret": "huggingface", "key": "token"}},
        "runtimeGpus": {"nvidia.com/gpu": 1},
        "runtimeSharedMemory": "256Mi",
        "runtimeNodeSelector": {"pool": "gpu"},
        "runtimeTolerations": [{"key": "gpu", "effect": "NoExecute", "operator": "Exists", "tolerationSeconds": 5}],
    }
    texts = {
        f"modelmesh:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
    }
    later: Any = KNOWN_LATER
    spec = load(config | texts).runtime(namespace=later, image="server@sha256:0").spec.spec()
    (container,) = spec["containers"]
    assert container["env"][-2:] == [
        {"name": "LOG_LEVEL", "value": "debug"},
        {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "huggingface", "key": "token"}}},
    ]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert spec["nodeSelector"] == {"pool": "gpu"}
    assert spec["tolerations"] == [{"key": "gpu", "effect": "NoExecute", "operator": "Exists", "tolerationSeconds": 5}]
    assert spec["volumes"][1]["emptyDir"]["medium"] == "Memory"


@pytest.mark.parametrize(
    ("others", "last"), [(0, "sentiment-analyzer"), (19, "m18"), (20, "and 1 more"), (4_999, "and 4,980 more")]
)
def test_of_many_models_an_update_prints_the_first_names(config: dict[str, str], others: int, last: str) -> None:
    given = load(config).values
    names = settings.Settings(given, [{"name": f"m{number}"} for number in range(others)]).model_names().splitlines()
    assert names[0] == "sentiment-analyzer"
    assert names[-1] == last
    assert len(names) == min(others + 1, 21)
