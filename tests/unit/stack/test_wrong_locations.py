"""Models at places where ModelMesh would not find them are refused before anything is registered."""

import dataclasses
from typing import Any

import pulumi
import pytest

from components.core.problem import InvalidSpecError
from components.core.rendering import KNOWN_LATER
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
        f"{MODEL}.storage.key: 'model', expected a key of the namespace's storage, which has models, shared",
    ),
    (at("a", key="model"), {"storage": ExistingStorage(secret_name="s", keys=["x"])}, "which has x"),  # noqa: S106
    (
        at("a", key="model"),
        {"storage": {}},
        f"{MODEL}.storage.key: 'model', expected a key of the namespace's storage, w",
    ),
    (at("a", key=None), {}, f"{MODEL}.storage.key: missing, expected a key of the namespace's storage, which has"),
    (
        at("a", key="models", parameters={"type": "gcs"}),
        {},
        f"{MODEL}.storage.key: 'models', expected an entry of type 'gcs', as the URI or the parameters say, not 's3'",
    ),
    (
        by_uri("gs://bucket/a", key="models"),
        {},
        f"{MODEL}.storage.key: 'models', expected an entry of type 'gcs', as the URI or the parameters say, not 's3'",
    ),
    # Parameters
    (
        at("a", parameters={"default_bucket": "b"}),
        {},
        f"{MODEL}.storage.parameters.default_bucket: unknown field, expected one that s3 storage has: access_key_id",
    ),
    (at("a", parameters={"bucket": ""}), {}, f"{MODEL}.storage.parameters.bucket: '', expected some text"),
    (
        at("a", parameters={"": "b"}),
        {},
        f'{MODEL}.storage.parameters[""]: unknown field, expected one that s3 storage has',
    ),
    (at("/", key=None), {"storage": {"default": PvcStorage(claim_name="c")}}, "'/', expected the path of a file or"),
    (at("a "), {}, f"{MODEL}.storage.path: 'a ', expected a path without blanks at its ends and without line breaks"),
    (at("a\nb"), {}, "expected a path without blanks at its ends and without line breaks"),
    (at("a", schema_path="b\n"), {}, "expected a path without blanks at its ends and without line breaks"),
    (at("a", parameters={"bucket": 5}), {}, f"{MODEL}.storage.parameters.bucket: 5, expected a value of type string"),
    (
        at("a", key=None, parameters={"type": "hdfs"}),
        {},
        f"{MODEL}.storage.parameters.type: 'hdfs', expected one of s3, gcs, azure, pvc, http",
    ),
    (
        at("a", key=None, parameters={"type": "azure", "account_name": "mine"}),
        {},
        f"{MODEL}.storage.key: missing, expected a key of the namespace's storage, which has models, shared; the",
    ),
    (
        at("a", key="web", parameters={"headers.X.Y": "1"}),
        WITH_WEB,
        f'{MODEL}.storage.parameters.headers["X.Y"]: set, expected letters, digits and -',
    ),
    (
        at("a", key="web", parameters={"certificate": "x"}),
        WITH_WEB,
        f"{MODEL}.storage.parameters.certificate: set, expected none: the puller crashes on it",
    ),
    (
        by_uri("s3://other/a", key="models", parameters={"bucket": "models"}),
        {},
        f"{MODEL}.storage.parameters.bucket: 'models', expected the same as in the URI, which wins",
    ),
    (
        at("a", parameters={"headers.X": "1"}),
        {},
        f'{MODEL}.storage.parameters["headers.X"]: unknown field, expected one that s3 storage has',
    ),
    (at("a", parameters={"name": "b"}), {}, f"{MODEL}.storage.parameters.name: unknown field, expected one that s3"),
    # Claims
    (
        at("a", key=None, parameters={"type": "pvc", "name": "mine"}),
        {},
        f"{MODEL}.storage.parameters.name: 'mine', expected a claim of the namespace's storage, or",
    ),
    (
        by_uri("pvc://mine/a"),
        {},
        f"{MODEL}.storage.parameters.name: 'mine', expected a claim of the namespace's storage",
    ),
    (by_uri("pvc://My_claim/a"), ANY_PVC, f"{MODEL}.storage.parameters.name: 'My_claim', expected up to 63 lower"),
    (
        at("a", key="shared", parameters={"name": "mine"}),
        ANY_PVC,
        f"{MODEL}.storage.parameters.type: missing, expected 'pvc', without which claim 'mine' is not mounted",
    ),
    (at("a", key=None, parameters={"type": "pvc"}), ANY_PVC, "shared; the parameters lack name"),
    (
        at("a", key=None, parameters={"type": "pvc"}),
        {"storage": {"shared": STORES["shared"]}},
        f"{MODEL}.storage.key: missing, expected a key of the namespace's storage, which has shared; the parameters",
    ),
    (
        at("a", key="bare"),
        {"storage": {"bare": dataclasses.replace(S3, bucket=None)}},
        f"{MODEL}.storage.key: 'bare', expected bucket in this entry, in the URI or in the parameters",
    ),
    (
        at("a", parameters={"bucket": "models/a"}),
        {},
        f"{MODEL}.storage.parameters.bucket: 'models/a', expected a name without /",
    ),
    # Paths
    (at("s3://models/a"), {}, f"{MODEL}.storage.path: 's3://models/a', expected a path in the store; put a URI into"),
    (at("a", schema_path="s3://models/a.json"), {}, f"{MODEL}.storage.schemaPath: 's3://models/a.json', expected a pa"),
    (at("../a", key="shared"), {}, f"{MODEL}.storage.path: '../a', expected a path without . and .."),
    (at("/sklearn/a"), {}, f"{MODEL}.storage.path: '/sklearn/a', expected a path from the top"),
    (at("sklearn/../a"), {}, f"{MODEL}.storage.path: 'sklearn/../a', expected a path without . and .."),
    (at("."), {}, f"{MODEL}.storage.path: '.', expected a path without"),
    (at(""), {}, f"{MODEL}.storage.path: '', expected the path of a file or a folder in the store"),
    (at("a", schema_path="/a.json"), {}, f"{MODEL}.storage.schemaPath: '/a.json', expected a path from the top"),
    (
        at("a", schema_path="schemas/"),
        {},
        f"{MODEL}.storage.schemaPath: 'schemas/', expected the path of a single file",
    ),
    (at("folder/", key="web"), WITH_WEB, f"{MODEL}.storage.path: 'folder/', expected the path of a single file"),
    # URIs
    (by_uri("hdfs://host/a"), {}, f"{MODEL}.storageUri: 'hdfs://host/a', expected s3://, gs://, pvc://, http://"),
    (by_uri("sklearn/a"), {}, f"{MODEL}.storageUri: 'sklearn/a', expected s3://"),
    (
        by_uri("s3://models", key="models"),
        {},
        f"{MODEL}.storageUri: '', expected the path of a file or a folder in the store",
    ),
    (by_uri("s3:///a", key="models"), {}, f"{MODEL}.storageUri: 's3:///a', expected s3://<bucket>/<path>"),
    (by_uri("pvc:///a"), {}, f"{MODEL}.storageUri: 'pvc:///a', expected pvc://<claim>/<path>"),
    (by_uri("s3://minio:9000/models/a"), {}, f"{MODEL}.storageUri: 's3://minio:9000/models/a', expected s3://<bucket>"),
    (
        by_uri("s3://models/a?versionId=1"),
        {},
        f"{MODEL}.storageUri: (not shown), expected no query: ModelMesh ignores it",
    ),
    (
        by_uri("s3://models/a#b"),
        {},
        f"{MODEL}.storageUri: 's3://models/a#b', expected no fragment: ModelMesh ignores it",
    ),
    (by_uri("s3://models//a", key="models"), {}, f"{MODEL}.storageUri: '/a', expected a path from the top"),
    (by_uri("s3://my models/a"), {}, f"{MODEL}.storageUri: 's3://my models/a', expected a URI, with %20 for a blank"),
    (by_uri("https://host/a?token=x y"), {}, "expected a URI, with %20 for a blank"),
    (by_uri("s3://models/a "), {}, f"{MODEL}.storageUri: 's3://models/a ', expected a URI"),
    (by_uri("s3://models/a\tb"), {}, f"{MODEL}.storageUri: 's3://models/a\\tb', expected a URI"),
    (by_uri("s3://models/100%"), {}, f"{MODEL}.storageUri: 's3://models/100%', expected a URI"),
    (
        by_uri("s3://models/a"),
        {},
        f"{MODEL}.storage.key: missing, expected a key of the namespace's storage, which has models, shared; the",
    ),
    (by_uri("http://[::1/a"), {}, f"{MODEL}.storageUri: 'http://[::1/a', expected a URI with a valid host and port"),
    (by_uri("https:///a"), {}, f"{MODEL}.storageUri: 'https:///a', expected https://<host>/<path>"),
    (by_uri("https://host"), {}, f"{MODEL}.storageUri: '', expected the path of a file or a folder in the store"),
    (by_uri("https://host/folder/"), {}, f"{MODEL}.storageUri: 'folder/', expected the path of a single file"),
    (
        by_uri("https://blob.core.windows.net/container/a"),
        {},
        f"{MODEL}.storageUri: 'https://blob.core.windows.net/container/a', expected https://<account>.blob.core",
    ),
    (by_uri("https://.blob.core.windows.net/c/a"), {}, "c/a', expected https://<account>.blob.core.windows.net/<co"),
    (by_uri("https://mine.blob.core.windows.net//a"), {}, "//a', expected https://<account>.blob.core.windows.net/<co"),
    (
        by_uri("https://mine.blob.core.windows.net/container"),
        {},
        f"{MODEL}.storageUri: '', expected the path of a file or a folder in the store",
    ),
    (
        by_uri("https://mine.blob.core.windows.net/c/a?sv=1"),
        {},
        f"{MODEL}.storageUri: (not shown), expected no query: ModelMesh ignores",
    ),
]


@pytest.mark.parametrize(("changes", "around", "expected"), WRONG, ids=[expected[:70] for *_, expected in WRONG])
def test_a_wrong_location_registers_nothing(changes: dict[str, Any], around: dict[str, Any], expected: str) -> None:
    (problem,) = refused(changes, around)
    assert expected in problem


def test_several_problems_are_told_at_once() -> None:
    key, start = refused(at("/a", key="model"), {})
    assert ".key: 'model'" in key
    assert ".path: '/a', expected a path from the top of the store" in start
    schema = {"annotations": {"serving.kserve.io/schemaPath": "b/"}}
    uri, file = refused(by_uri("hdfs://host/a") | schema, {})
    assert ".storageUri: 'hdfs://host/a'" in uri
    assert ".schemaPath: 'b/', expected the path of a single file" in file


@pytest.mark.parametrize(
    ("changes", "around"),
    [
        (at("a/folder/"), {}),
        (at("a") | {"annotations": {"serving.kserve.io/secretKey": "models"}}, {}),
        (at("a", key="x"), {"storage": ExistingStorage(secret_name="s", keys=["x"])}),  # noqa: S106
        (at("a", parameters={"bucket": "another", "endpoint_url": "https://s3.example"}), {}),
        (at("a", key=None), {"storage": {"default": S3}}),
        (by_uri("s3://bucket/a"), {"storage": {"default_s3": S3}}),
        (by_uri("s3://bucket/a%20b/"), {"storage": {"default_s3": S3}}),
        (by_uri("s3://bucket/a%20"), {"storage": {"default_s3": S3}}),
        (by_uri("s3://bucket/a b/c"), {"storage": {"default_s3": S3}}),
        (by_uri("https://host/https://other/model.joblib"), {"storage": {}}),
        (by_uri("s3://bucket/a", key="bare"), {"storage": {"bare": dataclasses.replace(S3, bucket=None)}}),
        (
            at("a", key="bare", parameters={"bucket": "b"}),
            {"storage": {"bare": dataclasses.replace(S3, bucket=None)}},
        ),
        (by_uri("gs://bucket/a", key="bare"), {"storage": {"bare": GcsStorage()}}),
        (
            by_uri("https://mine.blob.core.windows.net/container/a", key="bare"),
            {"storage": {"bare": AzureStorage(account_name="mine")}},
        ),
        (at("/sklearn/a", key="shared", schema_path="/a.json"), {}),
        (by_uri("pvc://shared-models//a"), {}),
        (at("/a", key="web"), WITH_WEB),
        (at("/a", key="unheard-of"), {"storage": ExistingStorage(secret_name="s")}),  # noqa: S106
        (by_uri("gs://public/a"), {"storage": {}}),
        (by_uri("https://mine.blob.core.windows.net/container/folder/"), {"storage": {}}),
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
        (by_uri("s3://a/b", parameters={"bucket": "c"}), f"{MODEL}.storage.parameters.bucket: 'c', expected the same"),
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
        of_a_type = ModelPath(path="a", key="s3", parameters={"type": later})
        same = StorageUri(uri="s3://models/a", key="s3", parameters={"bucket": later})
        by_key = ModelPath(path="a", key=later)  # type: ignore[arg-type]
        claim = StorageUri(uri="pvc://claim/a")
        given: list[ModelPath | StorageUri] = [path, StorageUri(uri=later), claim, of_a_type, same, by_key]
        for name, where in zip("abcdeg", given, strict=True):
            InferenceService(
                name, InferenceServiceArgs(namespace=here, model_name=name, model_format="sklearn", storage=where)
            )
        with pytest.raises(InvalidSpecError, match=r"storage.key: 'unheard-of', expected a key"):
            InferenceService(
                "f",
                InferenceServiceArgs(
                    namespace=here,
                    model_name="f",
                    model_format="sklearn",
                    storage=ModelPath(path=later, key="unheard-of"),
                ),
            )

    assert len(run(program).of(INFERENCE_SERVICE)) == 6


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
    later = StorageUri(uri=KNOWN_LATER, parameters={"type": "http"})
    assert "Bearer hidden" in made({"storage": later}, storage={"default_http": WEB}).secrets
    annotated = by_uri("https://models.example/a") | {"annotations": {"serving.kserve.io/secretKey": "web"}}
    assert "Bearer hidden" in made(annotated, **WITH_WEB).secrets
