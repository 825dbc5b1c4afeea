"""Predictors, ModelMesh Serving's own form of an InferenceService, in all ways to say where a model is."""

from typing import Any

import pytest

from components.services.namespace_context import NamespaceContext
from components.services.predictor_rules import predictor_problems
from tests.unit.stack.serving import MLSERVER, S3

ENTRY = {name: value for name, value in S3.fields().items() if name != "bucket"}
CONTEXT = NamespaceContext(namespace="models", runtimes=[MLSERVER], storage={"models": S3.fields(), "bare": ENTRY})
OLD = {"s3": {"secretKey": "models"}}
NEW = {"key": "models", "path": "a"}


def told(storage: dict[str, Any] | None, **fields: Any) -> list[str]:
    """The problems of a Predictor with that store and these fields."""
    spec = {"modelType": {"name": "sklearn"}, **fields, **({} if storage is None else {"storage": storage})}
    return [str(problem) for problem in predictor_problems({"metadata": {"name": "mine"}, "spec": spec}, CONTEXT)]


@pytest.mark.parametrize(
    ("storage", "fields"),
    [
        (NEW, {}),
        ({"key": "models"}, {"path": "a"}),
        (NEW, {"schemaPath": "b", "runtime": {"name": "mlserver-1.x"}, "protocolVersion": "v2"}),
        (OLD, {"path": "a", "schemaPath": "b"}),
        ({"s3": {"secretKey": "bare", "bucket": "b"}}, {"path": "a"}),
    ],
)
def test_what_modelmesh_serves_is_not_refused(storage: dict[str, Any], fields: dict[str, Any]) -> None:
    assert told(storage, **fields) == []


@pytest.mark.parametrize(
    ("storage", "fields", "expected"),
    [
        (NEW, {"gpu": "required"}, "spec.gpu: 'required', expected none: ModelMesh ignores it"),
        (NEW, {"serviceAccountName": "me"}, "spec.serviceAccountName: 'me', expected none: ModelMesh ignores it"),
        (None, {"path": "a"}, "spec.storage: missing, expected the store of the model: without it, ModelMesh ignores"),
        ({"key": "models"}, {}, "spec.storage.path: missing, expected the path of the model in the store"),
        (NEW, {"path": "b"}, "spec.path: 'b', expected none beside spec.storage.path"),
        (
            {**NEW, "schemaPath": "c"},
            {"schemaPath": "d"},
            "spec.schemaPath: 'd', expected none beside spec.storage.schemaPath",
        ),
        (
            {**NEW, "persistentVolumeClaim": {"claimName": "a"}},
            {},
            "spec.storage.persistentVolumeClaim: set, expected none: ModelMesh refuses it; set storage.parameters to",
        ),
        ({**NEW, **OLD}, {}, "spec.storage.s3: set, expected none beside key, path"),
        ({"s3": {"secretKey": "bare"}}, {"path": "a"}, "spec.storage.key: 'bare', expected bucket in this entry, in"),
        ({"s3": {"secretKey": "own"}}, {"path": "a"}, "spec.storage.key: 'own', expected a key of the namespace's"),
        (OLD, {"path": "/a"}, "spec.path: '/a', expected a path from the top of the store"),
        ({"key": "models"}, {"path": "/a"}, "spec.path: '/a', expected a path from the top of the store"),
        ({"key": "models", "path": "/a"}, {}, "spec.storage.path: '/a', expected a path from the top of the store"),
        (NEW, {"schemaPath": "/b"}, "spec.storage.schemaPath: '/b', expected a path from the top of the store"),
        (NEW, {"runtime": {"name": "own"}}, "expected one of mlserver-1.x"),
        (NEW, {"protocolVersion": "v3"}, "spec.protocolVersion: 'v3', expected one of v1, v2, grpc-v1, grpc-v2"),
    ],
)
def test_what_modelmesh_refuses_or_ignores_is_told_with_its_field(
    storage: dict[str, Any] | None, fields: dict[str, Any], expected: str
) -> None:
    (problem,) = told(storage, **fields)
    assert expected in problem
