"""A service to vary, and what it finds around it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from components.core.problem import InvalidSpecError
from components.installation.declared_runtime import DeclaredRuntime
from components.installation.model_namespace import ModelNamespace
from components.services.inference_service import InferenceService, InferenceServiceArgs
from components.services.model_location import ModelPath
from components.stores.storage import ExistingStorage, PvcStorage, S3Storage, Storage
from tests.unit.stack import worlds
from tests.unit.stack.engine import Resource, run

INFERENCE_SERVICE = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
MODEL = "spec.predictor.model"
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


def place(
    *,
    storage: Mapping[str, Storage] | ExistingStorage = STORES,
    built_in: Sequence[DeclaredRuntime] = (MLSERVER, TORCHSERVE),
    tls_secret: str | None = None,
    **changes: Any,
) -> ModelNamespace:
    """The namespace `models` of an installation with these runtimes, and with these changes of its configuration."""
    return worlds.place(
        storage=storage, built_in_runtimes=tuple(built_in), tls_secret=tls_secret, config=worlds.config(**changes)
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
        with pytest.raises(InvalidSpecError) as raised:
            InferenceService("service", arguments(changes, around))
        problems.extend(map(str, raised.value.problems))

    assert run(program).resources == []
    return problems


def made(changes: Mapping[str, Any] | None = None, **around: Any) -> Resource:
    """A service that is not refused."""
    return run(lambda: InferenceService("service", arguments(changes or {}, around))).one(INFERENCE_SERVICE)
