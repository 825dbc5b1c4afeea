"""Storage entries: what stands in the Secret, and what is refused before it does."""

import base64
import dataclasses
import json
from typing import Any

import pulumi
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components.core.problem import InvalidSpecError, Problem
from components.installation.model_namespace import ModelNamespace, ModelNamespaceArgs
from components.stores.storage import (
    AzureStorage,
    GcsStorage,
    HttpStorage,
    PvcStorage,
    Storage,
    StorageConfig,
    StorageConfigArgs,
)
from components.stores.storage_rules import secret_problems, storage_problems
from tests.certificates import issued
from tests.unit.stack.engine import Run, run
from tests.unit.stack.serving import S3
from tests.unit.stack.worlds import installation

KEY = ec.generate_private_key(ec.SECP256R1())
KEY_PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def config(entries: dict[str, Storage]) -> Run:
    def program() -> None:
        args = StorageConfigArgs(namespace="models", secret_name="storage-config", entries=entries)  # noqa: S106
        StorageConfig("storage", args)

    return run(program)


def entry(storage: Storage) -> dict[str, Any]:
    data = config({"key": storage}).one("kubernetes:core/v1:Secret").inputs["data"]
    found: dict[str, Any] = json.loads(base64.b64decode(data["key"]))
    return found


CA = issued("store.example")["ca.crt"]
GCS_KEY = {"private_key": KEY_PEM, "client_email": "storage@project.example"}
PRINCIPAL = {"client_id": "id", "client_secret": "hidden", "tenant_id": "tenant"}


@pytest.mark.parametrize(
    ("storage", "expected"),
    [
        (
            dataclasses.replace(S3, certificate=CA),
            {
                "type": "s3",
                "endpoint_url": "http://minio.models.svc:9000",
                "bucket": "models",
                "region": "us-east-1",
                "access_key_id": "id",
                "secret_access_key": "hidden",
                "certificate": CA,
            },
        ),
        (GcsStorage(bucket="b"), {"type": "gcs", "bucket": "b"}),
        (GcsStorage(**GCS_KEY), {"type": "gcs", **GCS_KEY}),
        (AzureStorage(account_name="account"), {"type": "azure", "account_name": "account"}),
        (
            GcsStorage(bucket="b", token_uri="https://t.example", **GCS_KEY),  # noqa: S106  an address
            {"type": "gcs", "bucket": "b", "token_uri": "https://t.example", **GCS_KEY},
        ),
        (
            AzureStorage(account_name="account", container="c"),
            {"type": "azure", "account_name": "account", "container": "c"},
        ),
        (
            AzureStorage(account_name="account", container="c", **PRINCIPAL),
            {"type": "azure", "account_name": "account", "container": "c", **PRINCIPAL},
        ),
        (
            AzureStorage(
                account_name="account", container="c", connection_string="AccountName=account;AccountKey=aGlkZGVu"
            ),
            {
                "type": "azure",
                "account_name": "account",
                "container": "c",
                "connection_string": "AccountName=account;AccountKey=aGlkZGVu",
            },
        ),
        (PvcStorage(claim_name="claim"), {"type": "pvc", "name": "claim"}),
        (HttpStorage(url="https://models.example/v1"), {"type": "http", "url": "https://models.example/v1"}),
        (HttpStorage(url="https://a:b@x.example?c=d"), {"type": "http", "url": "https://a:b@x.example?c=d"}),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_each_kind_has_the_keys_that_the_puller_reads(storage: Storage, expected: dict[str, str]) -> None:
    assert entry(storage) == expected
    assert not list(storage_problems({"key": storage}))


def test_headers_stay_out_of_the_entry_because_an_object_in_it_would_stop_every_runtime() -> None:
    storage = HttpStorage(url="https://models.example", headers={"Authorization": "Bearer hidden"})
    assert entry(storage) == {"type": "http", "url": "https://models.example"}
    assert storage.parameters() == {"headers.Authorization": "Bearer hidden"}
    assert S3.parameters() == {}


def test_entries_are_secret_and_not_printed() -> None:
    secret = config({"key": S3}).one("kubernetes:core/v1:Secret", "storage-config")
    assert not [text for text in secret.plain if "hidden" in text or text in secret.inputs["data"].values()]
    assert secret.inputs["data"]["key"] in secret.secrets
    assert "hidden" not in repr(S3)
    assert "hidden" not in repr(AzureStorage(account_name="account", container="c", **PRINCIPAL))
    assert "hidden" not in repr(HttpStorage(url="https://x.example", headers={"a": "hidden"}))


def test_the_secret_is_made_without_any_entry_because_pods_mount_it() -> None:
    secret = config({}).one("kubernetes:core/v1:Secret", "storage-config")
    assert secret.inputs.get("data", {}) == {}


def test_what_is_known_later_is_not_judged() -> None:
    later: list[Problem] = []

    def program() -> None:
        unknown = pulumi.Output.from_input("not a URL")
        stores: dict[str, Storage] = {
            "s3": dataclasses.replace(S3, endpoint_url=unknown, certificate=unknown, bucket=unknown),
            "pvc": PvcStorage(claim_name=unknown),
            "azure": AzureStorage(account_name=unknown, container=unknown, connection_string=unknown),
            "http": HttpStorage(url=unknown, headers={"Authorization": unknown}),
        }
        later.extend(storage_problems(stores))

    run(program)
    assert later == []


S3_WITH = dataclasses.replace
CONNECTION_STRINGS = (
    "https://account.blob.core.windows.net/c?sv=2022&sig=x%3D",
    "sv=2022-11-02&sig=x%3D",
    "aGlkZGVu",
    "AccountKey=aGlkZGVu",
    "AccountName=account",
    "AccountName=account;AccountKey=no base64",
    "AccountName=account;AccountKey=aGlkZGVu;c",
    "BlobEndpoint=https://account.blob.core.windows.net/;SharedAccessSignature=sv=2022",
)
WRONG: list[tuple[dict[str, Storage], str]] = [
    ({"a/b": S3}, "storage: 'a/b', expected a key of up to 253 letters, digits, -, _ and ."),
    ({"": S3}, "storage: '', expected a key of up to 253 letters"),
    ({".": S3}, "storage: '.', expected a key of a Secret, which cannot be . or start with .."),
    ({"..models": S3}, "storage: '..models', expected a key of a Secret, which cannot be . or start with .."),
    (
        {"default_gcs": S3},
        "storage: 'default_gcs', expected another key: ModelMesh reads this one as the default entry of type 'gcs'",
    ),
    ({"a": S3_WITH(S3, endpoint_url="minio:9000")}, "storage.a.endpoint_url: 'minio:9000', expected http://<host>"),
    ({"a": S3_WITH(S3, endpoint_url="http://minio:9000:9000")}, "storage.a.endpoint_url: 'http://minio:9000:9000'"),
    ({"a": S3_WITH(S3, endpoint_url="https://s3.example?x=1")}, "storage.a.endpoint_url: (not shown), expected http"),
    (
        {"a": S3_WITH(S3, endpoint_url="https://s3.example/#x")},
        "storage.a.endpoint_url: 'https://s3.example/#x', expec",
    ),
    ({"a": S3_WITH(S3, endpoint_url="http://minio:0")}, "storage.a.endpoint_url: 'http://minio:0', expected http://"),
    ({"a": S3_WITH(S3, endpoint_url="http:///models")}, "storage.a.endpoint_url: 'http:///models', expected http://"),
    ({"a": S3_WITH(S3, endpoint_url="http://s3/a b")}, "storage.a.endpoint_url: 'http://s3/a b', expected http://"),
    ({"a": S3_WITH(S3, endpoint_url="https://user@s3.example")}, "storage.a.endpoint_url: (not shown), expected http"),
    ({"a": S3_WITH(S3, endpoint_url="")}, "storage.a.endpoint_url: '', expected some text"),
    ({"a": S3_WITH(S3, bucket="")}, "storage.a.bucket: '', expected some text"),
    ({"a": S3_WITH(S3, bucket="s3://models")}, "storage.a.bucket: 's3://models', expected a name without /"),
    ({"a": GcsStorage(bucket="models/a")}, "storage.a.bucket: 'models/a', expected a name without /"),
    (
        {"a": AzureStorage(account_name="account", container="c/d")},
        "storage.a.container: 'c/d', expected a name without /",
    ),
    (
        {"a": AzureStorage(account_name="https://account.blob.core.windows.net", container="c")},
        "expected the name of a storage account, 3 to 24 lower-case letters and digits; omit https://",
    ),
    ({"a": S3_WITH(S3, region="")}, "storage.a.region: '', expected some text"),
    (
        {"a": S3_WITH(S3, region=None)},
        "storage.a.region: missing, expected a value: s3 storage requires it",
    ),
    (
        {"a": S3_WITH(S3, certificate="/etc/ssl/ca.pem")},
        "storage.a.certificate: not a certificate, expected the PEM text",
    ),
    ({"a": GcsStorage(bucket="")}, "storage.a.bucket: ''"),
    (
        {"a": GcsStorage(bucket="b", private_key=KEY_PEM)},
        "storage.a.client_email: missing, expected both private_key and client_email",
    ),
    (
        {"a": GcsStorage(bucket="b", client_email="x@y")},
        "storage.a.private_key: missing, expected both private_key and client_email, or neither for a public bucket",
    ),
    (
        {"a": GcsStorage(bucket="b", private_key=KEY_PEM.replace("\n", "\\n"), client_email="x@y")},
        "storage.a.private_key: not a private key without a password, expected the PEM text",
    ),
    (
        {"a": GcsStorage(bucket="b", token_uri="https://t.example")},  # noqa: S106
        "storage.a.token_uri: set, expected none: ModelMesh ignores it",
    ),
    (
        {"a": GcsStorage(bucket="b", token_uri="t.example", **GCS_KEY)},  # noqa: S106
        "storage.a.token_uri: 't.example', expected http://<host>",
    ),
    ({"a": AzureStorage(account_name="", container="c")}, "storage.a.account_name: ''"),
    (
        {"a": AzureStorage(account_name="account", container="c", client_id="id")},
        "storage.a: only client_id, expected all of client_id, client_secret, tenant_id, or none for a public",
    ),
    (
        {
            "a": AzureStorage(
                account_name="account",
                container="c",
                connection_string="AccountName=a;SharedAccessSignature=x",
                **PRINCIPAL,
            )
        },
        "storage.a: connection_string and client_id, client_secret, tenant_id, expected one of them: ModelMesh uses",
    ),
    ({"a": PvcStorage(claim_name="My_Claim")}, "storage.a.name: 'My_Claim', expected up to 63 lower-case letters"),
    ({"a": PvcStorage(claim_name="models.v1")}, "storage.a.name: 'models.v1', expected up to 63 lower-case letters"),
    ({"a": PvcStorage(claim_name="models-dir")}, "storage.a.name: 'models-dir', expected another name than those of"),
    ({"a": HttpStorage(url="models.example")}, "storage.a.url: 'models.example', expected http://<host>"),
    ({"a": HttpStorage(url="ftp://models.example")}, "storage.a.url: 'ftp://models.example'"),
    (
        {"a": HttpStorage(url="https://x.example", certificate=CA)},
        "storage.a.certificate: set, expected none: the puller",
    ),
    (
        {"a": HttpStorage(url="https://x.example", client_key=KEY_PEM)},
        "storage.a.client_key: set, expected none: the puller crashes on it, and trusts public CAs only",
    ),
    (
        {"a": HttpStorage(url="https://x.example", headers={"X.Y": "1"})},
        'storage.a.headers["X.Y"]: set, expected letters, digits and - in a header',
    ),
    (
        {"a": HttpStorage(url="https://x.example", headers={"Host": "y"})},
        "storage.a.headers.Host: set, expected none: the puller sets this",
    ),
    (
        {"a": HttpStorage(url="https://x.example", headers={"a": "1\r\nb: 2"})},
        "storage.a.headers.a: more than one line, expected one line",
    ),
    ({"a": HttpStorage(url="https://x.example", headers={"": "y"})}, 'storage.a.headers[""]: set, expected letters'),
]


@pytest.mark.parametrize("text", CONNECTION_STRINGS)
def test_a_connection_string_that_the_puller_cannot_read_is_refused(text: str) -> None:
    storage = AzureStorage(account_name="account", container="c", connection_string=text)
    (problem,) = storage_problems({"a": storage})
    assert str(problem).startswith("storage.a.connection_string: (not shown), expected AccountName=<name>;AccountKey=<")


def test_a_key_may_mark_the_default_entry_of_its_own_type() -> None:
    stores: dict[str, Storage] = {"default_s3": S3, "default_gcs": GcsStorage(), "default_hdfs": S3, "azure": S3}
    assert list(storage_problems(stores)) == []


@pytest.mark.parametrize(("entries", "expected"), WRONG, ids=[expected[:60] for _, expected in WRONG])
def test_wrong_entries_are_refused_before_anything_is_registered(entries: dict[str, Storage], expected: str) -> None:
    refused: list[str] = []

    def program() -> None:
        args = ModelNamespaceArgs(installation=installation(), namespace="models", storage=entries)
        with pytest.raises(InvalidSpecError) as raised:
            ModelNamespace("models", args)
        refused.extend(map(str, raised.value.problems))

    assert run(program).resources == []
    (problem,) = refused
    assert expected in problem
    for credential in (KEY_PEM, CA, "hidden"):
        assert credential not in problem


def test_all_problems_of_all_entries_come_at_once() -> None:
    wrong: dict[str, Storage] = {"a": S3_WITH(S3, endpoint_url="x", region=""), "b": PvcStorage(claim_name="")}
    assert len(list(storage_problems(wrong))) == 3


S3_ENTRY = {
    "type": "s3",
    "access_key_id": "id",
    "secret_access_key": "hidden",
    "endpoint_url": "http://minio:9000",
    "region": "eu",
}


def secret(fields: object, key: str = "models") -> dict[str, dict[str, str]]:
    """A storage Secret with one entry, in each of its two forms."""
    text = json.dumps(fields)
    return {"data": {key: base64.b64encode(text.encode()).decode()}, "stringData": {key: text}}


@pytest.mark.parametrize(
    "good",
    [
        {},
        secret(S3_ENTRY),
        secret(S3_ENTRY | {"default_bucket": "models", "certificate": ""}),
        secret({"type": "pvc"}),
        secret({"no type": "any text"}),
    ],
)
def test_a_secret_that_the_puller_can_read_has_no_problem(good: dict[str, Any]) -> None:
    assert list(secret_problems(good)) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (secret([]), "models: (not shown), expected {}a JSON object of texts; an entry that cannot be read stops"),
        (secret({"a": "b", "c": {}}), "models: (not shown), expected {}a JSON object of texts; an entry that"),
        (secret(S3_ENTRY, "default_gcs"), "default_gcs: 'default_gcs', expected another key"),
        (secret(S3_ENTRY | {"region": ""}), "models.region: missing, expected a value: s3 storage requires it"),
        (secret(S3_ENTRY | {"default_bucket": "a/b"}), "models.bucket: 'a/b', expected a name without /"),
        (secret({"type": "gcs", "default_bucket": "b"}), "models.default_bucket: unknown field, expected one that gcs"),
        (secret({"type": "hdfs"}), "models.type: 'hdfs', expected one of s3, gcs"),
        ({"data": 5, "stringData": ["models"]}, ": (not shown), expected a mapping"),
        ({"data": {"models": "{"}, "stringData": {"models": "{"}}, "models: (not shown), expected {}a JSON object of"),
    ],
)
def test_a_secret_is_checked_in_both_of_its_forms(given: dict[str, Any], expected: str) -> None:
    encoded, plain = map(str, secret_problems(given))
    dot = "" if expected.startswith(":") else "."
    assert encoded.startswith(f"data{dot}{expected.format('the base64 encoding of ')}")
    assert plain.startswith(f"stringData{dot}{expected.format('')}")


@pytest.mark.parametrize(
    ("kind", "field", "known"),
    [("http", "headers", "url, headers.<Name>"), ("pvc", "headers.A", "name")],
)
def test_an_unknown_field_is_told_with_those_that_its_store_has(kind: str, field: str, known: str) -> None:
    (problem, _) = secret_problems(secret({"type": kind, field: "x"}))
    assert problem.expected == f"one that {kind} storage has: {known}"
