"""A model namespace as an InferenceService sees it, without the resources that make one; and services in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pytest

from components.cluster import Cluster
from components.declared_runtime import DeclaredRuntime
from components.images import resolve
from components.inference_service import InferenceService, InferenceServiceArgs
from components.installation import Installation
from components.invalid_spec import InvalidSpec
from components.model_location import ModelPath
from components.model_namespace import ModelNamespace
from components.serving_config import ServingConfig
from components.storage import ExistingStorage, PvcStorage, S3Storage, Storage
from tests.unit.stack.engine import Resource, run

INFERENCE_SERVICE = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
MODEL = "spec.predictor.model"
NAMESPACE = "models"
MLSERVER = DeclaredRuntime(
    name="mlserver-1.x",
    namespace=None,
    formats=(("sklearn", "0"), ("xgboost", "1"), ("lightgbm", "3")),
    protocol_versions=("grpc-v2",),
    load_timeout_seconds=90,
)
TORCHSERVE = DeclaredRuntime(name="torchserve-0.x", namespace=None, formats=(("pytorch-mar", "0"),))
S3 = S3Storage(
    endpoint_url="http://minio.models.svc:9000",
    bucket="models",
    region="us-east-1",
    access_key_id="id",
    secret_access_key="hidden",  # noqa: S106
)
STORES: Mapping[str, Storage] = {"models": S3, "shared": PvcStorage(claim_name="shared-models")}


@dataclass(frozen=True, kw_only=True)
class _Place:
    installation: Installation
    namespace_name: str
    storage: Mapping[str, Storage] | ExistingStorage
    ready: pulumi.Output[str]


def place(
    *,
    storage: Mapping[str, Storage] | ExistingStorage = STORES,
    built_in: Sequence[DeclaredRuntime] = (MLSERVER, TORCHSERVE),
    tls_secret: str | None = None,
    **config: Any,
) -> ModelNamespace:
    """The namespace `models`; to be called in a running program."""
    images, _ = resolve({"minio": "minio:1"})
    assert images
    there = pulumi.Output.from_input(NAMESPACE)
    installation = Installation(
        cluster=Cluster(kubeconfig="/nowhere", context="none"),
        namespace_name="modelmesh-serving",
        model_namespaces=(NAMESPACE,),
        config=ServingConfig(images=images, **config),
        built_in_runtimes=tuple(built_in),
        namespace=there,
        admitting=there,
        tls_secret=tls_secret,
    )
    return cast(
        "ModelNamespace", _Place(installation=installation, namespace_name=NAMESPACE, storage=storage, ready=there)
    )


def arguments(changes: Mapping[str, Any], around: Mapping[str, Any]) -> InferenceServiceArgs:
    values = {
        "model_name": "sentiment",
        "model_format": "sklearn",
        "storage": ModelPath(path="sklearn/model", key="models"),
        **changes,
    }
    return InferenceServiceArgs(namespace=place(**around), **values)


def refused(changes: Mapping[str, Any], around: Mapping[str, Any]) -> list[str]:
    """The problems of a service; nothing is to be registered for it."""
    problems: list[str] = []

    def program() -> None:
        with pytest.raises(InvalidSpec) as raised:
            InferenceService("service", arguments(changes, around))
        problems.extend(raised.value.problems)

    assert run(program).resources == []
    return problems


def made(changes: Mapping[str, Any] | None = None, **around: Any) -> Resource:
    """A service that is not refused."""
    return run(lambda: InferenceService("service", arguments(changes or {}, around))).one(INFERENCE_SERVICE)
