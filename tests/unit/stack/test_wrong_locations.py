"""Models at places where ModelMesh would not find them are refused before anything is registered."""

import dataclasses
from typing import Any

import pulumi
import pytest

from components.services.inference_service import InferenceService, InferenceServiceArgs
from components.services.model_location import ModelPath, StorageUri
from components.stores.storage import AzureStorage, ExistingStorage, GcsStorage, HttpStorage, PvcStorage
from tests.unit.stack.engine import run
from tests.unit.stack.serving import INFERENCE_SERVICE, MLSERVER, MODEL, S3, STORES, made, place, refused

WEB = HttpStorage(url="https://models.example", headers={"Authorization": "Bearer hidden"})


def at(path: str, **more: Any) -> dict[str, Any]:
    return {"storage": ModelPath(path=path, **{"key": "models", **more})}


def by_uri(uri: str, **more: Any) -> dict[str, Any]:
    return {"storage": StorageUri(uri=uri, **more)}


ANY_PVC = {"allow_any_pvc": True}
WITH_WEB = {"storage": {**STORES, "web": WEB}}
WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    # Storage keys
    (
        at("a", key="model"),
        {},
        f"{MODEL}.storage.key: 'model', expected a key of the namespace's storage, which holds models, shared",
    ),
    (at("a", key="model"), {"storage": ExistingStorage(secret_name="s", keys=["x"])}, "which holds x"),  # noqa: S106
    (
        at("a", key="model"),
        {"storage": {}},
        f"{MODEL}.storage.key: 'model', expected a key of the namespace's storage, w",
    ),
    (at("a", key=None), {}, f"{MODEL}.storage.key: missing, expected a key of the namespace's storage, which holds"),
    (
        at("a", key="models", parameters={"type": "gcs"}),
        {},
        f"{MODEL}.storage.key: 'models' is of type 's3', but the URI or the parameters say 'gcs'",
    ),
    (
        by_uri("gs://bucket/a", key="models"),
        {},
        f"{MODEL}.storage.key: 'models' is of type 's3', but the URI or the parameters say 'gcs'",
    ),
    # Parameters
    (
        at("a", parameters={"default_bucket": "b"}),
        {},
        f"{MODEL}.storage.parameters.default_bucket: unknown, ModelMesh ignores it; s3 storage knows access_key_id",
    ),
    (at("a", parameters={"bucket": ""}), {}, f"{MODEL}.storage.parameters.bucket: '', expected some text"),
    (at("a", parameters={"": "b"}), {}, f"{MODEL}.storage.parameters.: unknown, ModelMesh ignores it"),
    (at("a", parameters={"bucket": 5}), {}, f"{MODEL}.storage.parameters.bucket: 5 is not of type string"),
    (
        at("a", key=None, parameters={"type": "hdfs"}),
        {},
        f"{MODEL}.storage.parameters.type: 'hdfs', expected one of s3, gcs, azure, pvc, http",
    ),
    (
        at("a", key=None, parameters={"type": "azure", "account_name": "x"}),
        {},
        f"{MODEL}.storage.key: missing, and without one the parameters lack container; expected a key",
    ),
    (
        at("a", key="web", parameters={"headers.X.Y": "1"}),
        WITH_WEB,
        f"{MODEL}.storage.parameters.headers.X.Y: expected a header's name",
    ),
    (
        at("a", key="web", parameters={"certificate": "x"}),
        WITH_WEB,
        f"{MODEL}.storage.parameters.certificate: given, but the puller of http storage crashes on it",
    ),
    (
        by_uri("s3://other/a", key="models", parameters={"bucket": "models"}),
        {},
        f"{MODEL}.storage.parameters.bucket: 'models', but the URI says 'other' and wins",
    ),
    # Claims
    (
        at("a", key=None, parameters={"type": "pvc", "name": "mine"}),
        {},
        f"{MODEL}.storage: claim 'mine' is mounted nowhere; put it into the namespace's storage",
    ),
    (by_uri("pvc://mine/a"), {}, f"{MODEL}.storage: claim 'mine' is mounted nowhere"),
    (by_uri("pvc://My_claim/a"), ANY_PVC, f"{MODEL}.storage.parameters.name: 'My_claim', expected up to 63 lower"),
    (
        at("a", key="shared", parameters={"name": "mine"}),
        ANY_PVC,
        f"{MODEL}.storage.parameters.type: missing, expected 'pvc', or claim 'mine' is not mounted",
    ),
    (at("a", key=None, parameters={"type": "pvc"}), ANY_PVC, "the parameters lack name; expected a key"),
    (
        at("a", key="bare"),
        {"storage": {"bare": dataclasses.replace(S3, bucket=None)}},
        f"{MODEL}.storage.key: 'bare' has no bucket, nor do URI or parameters say it",
    ),
    (
        at("a", parameters={"bucket": "models/a"}),
        {},
        f"{MODEL}.storage.parameters.bucket: 'models/a', expected a name without /",
    ),
    # Paths
    (at("s3://models/a"), {}, f"{MODEL}.storage.path: 's3://models/a', expected a path in the store; a URI goes into"),
    (at("a", schema_path="s3://models/a.json"), {}, f"{MODEL}.storage.schemaPath: 's3://models/a.json', expected a pa"),
    (at("../a", key="shared"), {}, f"{MODEL}.storage.path: '../a', expected a path without . and .."),
    (at("/sklearn/a"), {}, f"{MODEL}.storage.path: '/sklearn/a' starts with /, expected a path from the top"),
    (at("sklearn/../a"), {}, f"{MODEL}.storage.path: 'sklearn/../a', expected a path without . and .."),
    (at("."), {}, f"{MODEL}.storage.path: '.', expected a path without"),
    (at(""), {}, f"{MODEL}.storage.path: no path, ModelMesh would find nothing"),
    (at("a", schema_path="/a.json"), {}, f"{MODEL}.storage.schemaPath: '/a.json' starts with /"),
    (
        at("a", schema_path="schemas/"),
        {},
        f"{MODEL}.storage.schemaPath: 'schemas/' ends with /, expected a single file",
    ),
    (at("folder/", key="web"), WITH_WEB, f"{MODEL}.storage.path: 'folder/' ends with /, expected a single file"),
    # URIs
    (by_uri("hdfs://host/a"), {}, f"{MODEL}.storageUri: 'hdfs://host/a', expected s3://, gs://, pvc://, http://"),
    (by_uri("sklearn/a"), {}, f"{MODEL}.storageUri: 'sklearn/a', expected s3://"),
    (by_uri("s3://models", key="models"), {}, f"{MODEL}.storageUri: no path, ModelMesh would find nothing"),
    (by_uri("s3:///a", key="models"), {}, f"{MODEL}.storageUri: 's3:///a', expected s3://<bucket>/<path>"),
    (by_uri("s3://minio:9000/models/a"), {}, f"{MODEL}.storageUri: 's3://minio:9000/models/a', expected s3://<bucket>"),
    (by_uri("s3://models/a?versionId=1"), {}, f"{MODEL}.storageUri: a query after ?, ModelMesh ignores it"),
    (by_uri("s3://models/a#b"), {}, f"{MODEL}.storageUri: a fragment after #, ModelMesh ignores it"),
    (by_uri("s3://models//a", key="models"), {}, f"{MODEL}.storageUri: '/a' starts with /"),
    (by_uri("s3://my models/a"), {}, f"{MODEL}.storageUri: 's3://my models/a', expected a URI, with %20 for a blank"),
    (by_uri("https://host/a?token=x y"), {}, "expected a URI, with %20 for a blank"),
    (by_uri("s3://models/a "), {}, f"{MODEL}.storageUri: 's3://models/a ', expected a URI"),
    (by_uri("s3://models/a\tb"), {}, f"{MODEL}.storageUri: 's3://models/a\\tb', expected a URI"),
    (by_uri("s3://models/100%"), {}, f"{MODEL}.storageUri: 's3://models/100%', expected a URI"),
    (
        by_uri("s3://models/a"),
        {},
        f"{MODEL}.storage.key: missing, and without one the parameters lack access_key_id, secret_access_key",
    ),
    (by_uri("http://[::1/a"), {}, f"{MODEL}.storageUri: 'http://[::1/a', which is no URI: Invalid IPv6 URL"),
    (by_uri("https:///a"), {}, f"{MODEL}.storageUri: 'https:///a', expected https://<host>/<path>"),
    (by_uri("https://host"), {}, f"{MODEL}.storageUri: no path"),
    (by_uri("https://host/folder/"), {}, f"{MODEL}.storageUri: 'folder/' ends with /, expected a single file"),
    (
        by_uri("https://blob.core.windows.net/container/a"),
        {},
        f"{MODEL}.storageUri: 'https://blob.core.windows.net/container/a', expected https://<account>.blob.core",
    ),
    (by_uri("https://me.blob.core.windows.net/container"), {}, f"{MODEL}.storageUri: no path"),
    (
        by_uri("https://me.blob.core.windows.net/c/a?sv=1"),
        {},
        f"{MODEL}.storageUri: a query after ?, ModelMesh ignores",
    ),
]


@pytest.mark.parametrize(("changes", "around", "expected"), WRONG, ids=[expected[:70] for *_, expected in WRONG])
def test_a_wrong_location_registers_nothing(changes: dict[str, Any], around: dict[str, Any], expected: str) -> None:
    assert expected in "\n".join(refused(changes, around))


@pytest.mark.parametrize(
    ("changes", "around"),
    [
        (at("a/folder/"), {}),
        (at("a", parameters={"bucket": "another", "endpoint_url": "https://s3.example"}), {}),
        (at("a", key=None), {"storage": {"default": S3}}),
        (by_uri("s3://bucket/a"), {"storage": {"default_s3": S3}}),
        (by_uri("s3://bucket/a%20b/"), {"storage": {"default_s3": S3}}),
        (by_uri("s3://bucket/a b/c"), {"storage": {"default_s3": S3}}),
        (by_uri("https://host/https://other/model.joblib"), {"storage": {}}),
        (by_uri("s3://bucket/a", key="bare"), {"storage": {"bare": dataclasses.replace(S3, bucket=None)}}),
        (
            at("a", key="bare", parameters={"bucket": "b"}),
            {"storage": {"bare": dataclasses.replace(S3, bucket=None)}},
        ),
        (by_uri("gs://bucket/a", key="bare"), {"storage": {"bare": GcsStorage()}}),
        (
            by_uri("https://me.blob.core.windows.net/container/a", key="bare"),
            {"storage": {"bare": AzureStorage(account_name="me")}},
        ),
        (at("/sklearn/a", key="shared", schema_path="/a.json"), {}),
        (by_uri("pvc://shared-models//a"), {}),
        (at("/a", key="web"), WITH_WEB),
        (at("/a", key="unheard-of"), {"storage": ExistingStorage(secret_name="s")}),  # noqa: S106
        (by_uri("gs://public/a"), {"storage": {}}),
        (by_uri("https://me.blob.core.windows.net/container/folder/"), {"storage": {}}),
        (by_uri("https://host:8443/model.joblib?token=x"), {"storage": {}}),
        (by_uri("pvc://shared-models/a"), {}),
        (by_uri("pvc://any-claim/a"), ANY_PVC),
        (at("a", key=None, parameters={"type": "pvc", "name": "any-claim"}), ANY_PVC),
        (at("a", key="unheard-of"), {"storage": ExistingStorage(secret_name="s")}),  # noqa: S106
        (by_uri("pvc://any-claim/a"), {"storage": ExistingStorage(secret_name="s", keys=["x"])}),  # noqa: S106
    ],
)
def test_what_modelmesh_finds_is_not_refused(changes: dict[str, Any], around: dict[str, Any]) -> None:
    assert made(changes, **around).inputs["metadata"]["name"] == "sentiment"


OF_ITS_OWN = dataclasses.replace(MLSERVER, name="own-0.x", formats=(("own", None),), pulls=False)
UNPULLED: dict[str, Any] = {"model_format": "own", "runtimes": [OF_ITS_OWN]}


@pytest.mark.parametrize(
    "where",
    [
        at("", key=None),
        at("/opt/models/a", key="unheard-of", parameters={"revision": "main", "bucket": ""}),
        at("../a", schema_path="/schemas/"),
        by_uri("s3://bucket"),
        by_uri("pvc://any-claim/"),
        by_uri("https://host/folder/?x=1#a"),
    ],
)
def test_a_model_server_that_fetches_models_itself_is_told_whatever_it_wants(where: dict[str, Any]) -> None:
    made(UNPULLED | where)
    pulled = dataclasses.replace(OF_ITS_OWN, name="pulled-0.x", pulls=True)
    assert refused(UNPULLED | where | {"runtimes": [OF_ITS_OWN, pulled]}, {}), "it may be placed on either"
    made(UNPULLED | where | {"runtimes": [OF_ITS_OWN, pulled], "runtime": "own-0.x"})


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (by_uri("hf://team/model"), f"{MODEL}.storageUri: 'hf://team/model', expected s3://"),
        (by_uri("s3://models/100%"), f"{MODEL}.storageUri: 's3://models/100%', expected a URI"),
        (by_uri("s3://a/b", parameters={"bucket": "c"}), f"{MODEL}.storage.parameters.bucket: 'c', but the URI says"),
    ],
)
def test_the_controller_reads_a_uri_also_where_nothing_is_pulled(where: dict[str, Any], expected: str) -> None:
    (problem,) = refused(UNPULLED | where, {})
    assert problem.startswith(expected)


def test_what_is_known_later_is_not_judged() -> None:
    def program() -> None:
        later = pulumi.Output.from_input("/not/a/path")
        here = place(storage={"s3": dataclasses.replace(S3, bucket=later), "pvc": PvcStorage(claim_name=later)})
        path = ModelPath(path=later, key="s3", schema_path=later, parameters={"bucket": later})
        for name, where in (("a", path), ("b", StorageUri(uri=later)), ("c", StorageUri(uri="pvc://claim/a"))):
            InferenceService(
                name, InferenceServiceArgs(namespace=here, model_name=name, model_format="sklearn", storage=where)
            )

    assert len(run(program).of(INFERENCE_SERVICE)) == 3


def test_a_service_carries_the_secret_headers_of_its_store() -> None:
    headers = {"headers.Authorization": "Bearer hidden", "headers.X-Own": "1"}
    own = {"headers.X-Own": "1"}
    named = made(at("a", key="web", parameters=own), **WITH_WEB)
    assert named.inputs["spec"]["predictor"]["model"]["storage"]["parameters"] == headers
    assert "Bearer hidden" in named.secrets
    assert "Bearer hidden" not in named.plain
    for default in (by_uri("https://models.example/a", parameters=own), at("a", key=None, parameters={"type": "http"})):
        service = made(default, storage={"default_http": WEB})
        assert "Bearer hidden" in service.secrets
    annotated = by_uri("https://models.example/a") | {"annotations": {"serving.kserve.io/secretKey": "web"}}
    assert "Bearer hidden" in made(annotated, **WITH_WEB).secrets
