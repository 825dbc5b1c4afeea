"""What may hold a credential is quoted by no problem, and shown by no record."""

import dataclasses
import re
from typing import Any

import pytest

import components
from components import images, installation, runtimes, services, stores
from components.core.problem import FieldPath, InvalidSpecError
from components.images.images import Images
from components.images.pull_secret import ImagePullSecret, RegistryCredentials
from components.installation.serving_config import PayloadProcessor
from components.installation.serving_config_rules import serving_config_problems
from components.services.model_location import ModelPath, StorageUri
from components.stores.etcd_connection import EtcdConnection
from components.stores.storage import AzureStorage, ExistingStorage, GcsStorage, HttpStorage, Storage
from components.stores.storage_rules import storage_problems
from components.upstream import spec_problems
from tests.unit.stack.serving import S3, refused
from tests.unit.stack.worlds import config

SECRET = "hush"  # noqa: S105  what no problem may say
WEB = {"storage": {"default_http": HttpStorage(url="https://models.example")}}


@pytest.mark.parametrize(
    "uri",
    [
        "s3://id:hush@bucket/p",
        "s3://id:hu/hush@bucket/p",
        "s3://id:hush/p@bucket",
        "gs://id:hush@bucket",
        "pvc://id:hush@claim/p",
        "hdfs://id:hush@host/p",
        "s3://bucket/p?sig=hush",
        "s3://bucket/p?sig=hu#hush",
        "s3://bucket/p#x@hush",
        "s3://bucket/p?sig=a hush",
        "http://x:99999/?token=hush",
        "http://x:hush/?token=hush",
        "https://id:hush/p@host/a",
        "https://id:hush@[::1/a",
        "https://id:hush@/a",
        "https://id:hush@blob.core.windows.net/c/a",
        "https://id:hush.b@me.blob.core.windows.net/c/a",
        "https://me.blob.core.windows.net/c/a?sig=hush",
        "https://id:hush@host/folder/?sig=hush",
    ],
)
@pytest.mark.parametrize("form", ["uri", "path", "schema_path"])
def test_a_models_place(uri: str, form: str) -> None:
    """Whoever takes a path for a URI puts one there, too."""
    parameters = {"bucket": "b", "name": "n", "account_name": "a", "url": f"https://id:{SECRET}@host/?token={SECRET}"}
    where = {
        "uri": StorageUri(uri=uri, parameters=parameters),
        "path": ModelPath(path=uri, key="models"),
        "schema_path": ModelPath(path="a", key="models", schema_path=uri),
    }[form]
    problems = refused(
        {"storage": where, "annotations": {"serving.kserve.io/schemaPath": f"https://a/?sig={SECRET}"}},
        WEB if form == "uri" else {},
    )
    assert problems
    assert SECRET not in "\n".join(map(str, problems))
    assert form != "uri" or SECRET not in repr(where)


@pytest.mark.parametrize("url", ["minio:9000/?sig=hush", "ftp://id:hush@host", "http://id:hush@host:99999", "hush@x"])
def test_the_address_of_a_store(url: str) -> None:
    stores: dict[str, Storage] = {
        "s3": dataclasses.replace(S3, endpoint_url=url, bucket=f"s3://id:{SECRET}@bucket"),
        "gcs": GcsStorage(bucket=f"b/?sig={SECRET}", token_uri=url, private_key=SECRET, client_email="a@example.com"),
        "azure": AzureStorage(account_name="account", container=f"c/?sig={SECRET}"),
        "http": HttpStorage(url=url, headers={"Authorization": f"{SECRET}\n"}, client_key=SECRET),
    }
    problems = list(storage_problems(stores))
    assert {problem.path[1] for problem in problems} == stores.keys()
    assert SECRET not in "\n".join(map(str, problems))
    assert SECRET not in repr(stores["http"])


@pytest.mark.parametrize(
    "endpoints",
    [
        ["https://etcd.example.com:2379/?token=hush"],
        ["https://id:hush@etcd.example.com:2379", "http://etcd.example.com:2379"],
        ["id:hush@etcd.example.com:2379", "https://etcd.example.com:2379"],
    ],
)
def test_a_connection_to_etcd(endpoints: list[str]) -> None:
    etcd = EtcdConnection(
        endpoints=endpoints, root_prefix="x", user=SECRET, client_key=SECRET, override_authority="id:hush@host"
    )
    assert len(list(etcd.problems())) >= 4
    assert SECRET not in "\n".join(map(str, etcd.problems()))
    assert SECRET not in repr(dataclasses.replace(etcd, override_authority=None))


def test_what_an_installation_is_told() -> None:
    processors = [
        PayloadProcessor(scheme="http", host="id:hush@drift/x", path="in?sig=hush"),
        PayloadProcessor(scheme="http", host="id:hush@drift/x", path="in?sig=hush"),
    ]
    login = RegistryCredentials(registry="https://id:hush@registry.example", username="", password=SECRET)
    wrong = config(
        payload_processors=processors,
        image_pull_secrets=[ImagePullSecret(name="pull", credentials=[login])],
        management_endpoint="http://id:hush@host :8033",
    )
    with pytest.raises(InvalidSpecError) as raised:
        Images.of({"minio": "https://id:hush@mirror.example/minio:1"}, registry="https://id:hush@mirror.example")
    text = "\n".join([*map(str, serving_config_problems(FieldPath("config"), wrong)), str(raised.value)])
    for part in ("payload_processors[1]", "credentials[0].registry", "management_endpoint", "registry", "minio"):
        assert part in text
    assert SECRET not in text


def test_a_text_of_another_type() -> None:
    spec: dict[str, Any] = {"predictor": {"model": {"modelFormat": {"name": "x"}, "storageUri": ["s3://id:hush@b"]}}}
    assert [str(problem) for problem in spec_problems("InferenceService", spec)] == [
        "spec.predictor.model.storageUri: (not shown), expected a value of type string"
    ]


MAY_HOLD_ONE = re.compile(r"password|key|token|secret|user|ur[il]|headers|endpoints|parameters")
SHOWN = {
    "DataPlaneTls.existing_secret": "a Secret's name",
    "ExistingStorage.keys": "storage keys are names",
    "Installation.tls_secret": "a Secret's name",
    "ModelPath.key": "a storage key is a name",
    "StorageUri.key": "likewise",
    "EtcdArgs.image_pull_secrets": "names of Secrets",
    "MinioArgs.image_pull_secrets": "likewise",
    "ModelArtifactArgs.image_pull_secrets": "likewise",
    "SecretKey.secret": "a Secret's name",
    "SecretKey.key": "the name of one of its values",
    "ServingConfig.image_pull_secrets": "a name, and records that hide what is secret",
    "ServingRuntimeSpec.image_pull_secrets": "names of Secrets again",
}
FIELDS = {
    f"{name}.{field.name}": field
    for module in (components, images, installation, runtimes, services, stores)
    for name in module.__all__
    if dataclasses.is_dataclass(record := getattr(module, name))
    for field in dataclasses.fields(record)
    if MAY_HOLD_ONE.search(field.name) and not field.name.endswith("secret_name")
}


def test_every_field_that_may_hold_one_is_left_out_of_what_a_record_shows() -> None:
    assert {where for where, field in FIELDS.items() if field.repr} == SHOWN.keys()
    assert {"HttpStorage.url", "StorageUri.parameters", "EtcdConnection.user"} <= FIELDS.keys()


def test_existing_storage_is_shown() -> None:
    assert "models" in repr(ExistingStorage(secret_name="storage", keys=["models"]))  # noqa: S106
