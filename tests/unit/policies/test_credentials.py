"""What is taken for a credential in the open, and what only sounds like one."""

from typing import Any

import pytest

from policies.rules.credentials import NO_PLAIN_CREDENTIALS
from tests.unit.policies.resources import CONFIGURATION, POD, SERVING_CONFIG, found, making_pods, resource, spoilt

KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\n"
LITERAL = "hunter2"


def environment(*variables: dict[str, Any]) -> list[str]:
    properties = spoilt(making_pods("core/v1:Pod"), ("spec", "containers", 0, "env"), list(variables))
    return found(NO_PLAIN_CREDENTIALS, resource("core/v1:Pod", properties))


def config_map(**data: str) -> list[str]:
    return found(NO_PLAIN_CREDENTIALS, resource("core/v1:ConfigMap", {"data": data}))


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "DB_PASSWORD_PROD",
        "MINIO_SECRET",
        "API_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "apiKey",
        "ACCESSKEY",
        "client-secret",
        "SSH_PASSPHRASE",
    ],
)
def test_a_variable_named_like_a_credential_has_no_value_of_its_own(name: str) -> None:
    assert environment({"name": "HOME", "value": "/"}, {"name": name, "value": LITERAL}) == [
        f"spec.containers[0].env[1].value: given for {name}, expected valueFrom.secretKeyRef"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ETCD_SECRET_NAME", "model-serving-etcd"),
        ("TOKEN_FILE", "/var/run/token"),
        ("KEY_PATH", "/tls/key.pem"),
        ("TOKEN_URL", "https://login.example/token"),
        ("PASSWORD_LENGTH", "12"),
        ("MAX_TOKENS", "512"),
        ("TOKENIZERS_PARALLELISM", "no"),
        ("MONKEY", "see"),
        ("SSH_PUBLIC_KEY", "ssh-ed25519 AAAA"),
        ("USE_TOKEN", "true"),
        ("PASSWORD", ""),
        ("PASSWORD", "$(OTHER)"),
        ("_", "odd"),
    ],
)
def test_what_only_sounds_like_a_credential_is_let_pass(name: str, value: str) -> None:
    assert environment({"name": name, "value": value}) == []


@pytest.mark.parametrize("field", ["command", "args"])
def test_a_command_line_holds_no_credential(field: str) -> None:
    line = [
        "etcd",
        f"--password={LITERAL}",
        f"https://user:{LITERAL}@host",
        "--token-file=/x",
        "--key=",
        "--password=$(P)",
    ]
    properties = spoilt(making_pods("core/v1:Pod"), ("spec", "containers", 0, field), line)
    told = found(NO_PLAIN_CREDENTIALS, resource("core/v1:Pod", properties))
    assert told == [
        f"spec.containers[0].{field}[1]: given for --password, expected a file or a variable from a Secret",
        f"spec.containers[0].{field}[2]: holds a URL with a password, expected it in a Secret",
    ]


def test_a_variable_can_be_named_that_only_sounds_like_a_credential() -> None:
    properties = spoilt(
        making_pods("core/v1:Pod"), ("spec", "containers", 0, "env"), [{"name": "SORT_KEY", "value": "date"}]
    )
    one = resource("core/v1:Pod", properties)
    assert len(found(NO_PLAIN_CREDENTIALS, one)) == 1
    assert found(NO_PLAIN_CREDENTIALS, one, notCredentials=["SORT_KEY"]) == []


def test_a_config_map_is_no_place_for_a_variables_credential() -> None:
    reference = {"configMapKeyRef": {"name": "settings", "key": "password"}}
    assert environment({"name": "PASSWORD", "valueFrom": reference}) == [
        "spec.containers[0].env[0].valueFrom.configMapKeyRef: given for PASSWORD, expected secretKeyRef"
    ]


def test_a_private_key_and_a_password_in_a_url_are_found_under_any_name() -> None:
    assert environment({"name": "A", "value": KEY}, {"name": "B", "value": f"https://me:{LITERAL}@example.com"}) == [
        "spec.containers[0].env[0].value: holds a private key, expected it in a Secret",
        "spec.containers[0].env[1].value: holds a URL with a password, expected it in a Secret",
    ]


@pytest.mark.parametrize("url", ["https://example.com:8080/@a", "http://me@example.com", "grpc://mesh.ns:8033"])
def test_a_url_without_a_password_is_let_pass(url: str) -> None:
    assert environment({"name": "URL", "value": url}) == []


def test_the_environment_of_a_runtimes_adapter_counts() -> None:
    adapter = {"env": [{"name": "S3_PASSWORD", "value": LITERAL}]}
    one = resource("serving.kserve.io/v1alpha1:ServingRuntime", {"spec": {**POD, "builtInAdapter": adapter}})
    assert found(NO_PLAIN_CREDENTIALS, one) == [
        "spec.builtInAdapter.env[0].value: given for S3_PASSWORD, expected valueFrom.secretKeyRef"
    ]


def test_the_meshs_environment_in_modelmeshs_configuration_counts() -> None:
    told = SERVING_CONFIG.replace("MEM_LIMIT_MB", "KV_PASSWORD")
    one = resource("core/v1:ConfigMap", spoilt(CONFIGURATION, ("data", "config.yaml"), told))
    assert found(NO_PLAIN_CREDENTIALS, one) == [
        "data[config.yaml].internalModelMeshEnvVars[0].value: given for KV_PASSWORD, expected valueFrom.secretKeyRef"
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"user: me\npassword: {LITERAL}\n",
        f'{{"user": "me", "password": "{LITERAL}"}}',
        f"user=me\npassword={LITERAL}",
        f"store:\n  password: '{LITERAL}'",
        f"[store]\npassword = {LITERAL} ; do not tell",
    ],
)
def test_a_credential_in_a_config_maps_text_is_named_but_not_quoted(text: str) -> None:
    assert config_map(settings=text) == [
        "data[settings]: password has a value and is named like a credential, expected it in a Secret"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "storageSecretName: storage-config\n",
        "tls:\n  secretName: tls\n",
        "password:\n  valueFrom: {}\n",
        "password: # elsewhere\n",
        "password: ${PASSWORD}\n",
        'password: ""\n',
        "secret: {name: a}\n",
        "secrets: [a]\n",
        "max_tokens: 512\n",
        "key: colour\n",
        "Whoever forgets a password\nasks for another.",
    ],
)
def test_text_without_a_credential_is_let_pass(text: str) -> None:
    assert config_map(settings=text) == []


def test_a_config_map_holds_no_credential_and_no_private_key() -> None:
    assert config_map(password=LITERAL) == ["data[password]: named like a credential, expected it in a Secret"]
    assert config_map(pem=KEY) == ["data[pem]: holds a private key, expected it in a Secret"]
    assert config_map(url=f"amqp://me:{LITERAL}@queue.example") == [
        "data[url]: holds a URL with a password, expected it in a Secret"
    ]


def test_secrets_are_given_in_data() -> None:
    one = resource("core/v1:Secret", {"stringData": {"password": LITERAL}})
    assert found(NO_PLAIN_CREDENTIALS, one) == [
        "stringData: given, expected data: the API server never returns stringData, which hides drift"
    ]
