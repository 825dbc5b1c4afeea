"""Checks of a Predictor, ModelMesh Serving's own form of an InferenceService."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..core import rendering
from ..core.names_and_quantities import subdomain_problems
from ..core.problem import MISSING, FieldPath, Problem, Text
from .location_rules import location_problems
from .namespace_context import NamespaceContext
from .placement_rules import ModelRequest, placement_problems

_SPEC = FieldPath("spec")
_STORAGE = _SPEC / "storage"
_NOT_READ = ("gpu", "serviceAccountName")


def predictor_problems(document: Mapping[str, Any], context: NamespaceContext) -> Iterator[Problem]:
    """Checks a Predictor of the right types, for values that the controller refuses or ignores."""
    spec = document["spec"]
    yield from subdomain_problems(FieldPath("metadata", "name"), document["metadata"]["name"])
    for name in _NOT_READ:
        if name in spec:
            yield Problem(_SPEC / name, spec[name], "none: ModelMesh ignores it", ignored=True)
    storage = spec.get("storage")
    if storage is None:
        yield Problem(_STORAGE, MISSING, "the store of the model: without it, ModelMesh ignores spec.path too")
        return
    for name in ("path", "schemaPath"):
        if name in spec and name in storage:
            yield Problem(_SPEC / name, spec[name], f"none beside {_STORAGE / name}")
    if "persistentVolumeClaim" in storage:
        cure = "set storage.parameters to type: pvc and name: <claim>"
        yield Problem(_STORAGE / "persistentVolumeClaim", Text("set"), "none: ModelMesh refuses it", cure)
    if "s3" in storage and (others := sorted(storage.keys() - {"s3", "persistentVolumeClaim"})):
        yield Problem(_STORAGE / "s3", Text("set"), f"none beside {', '.join(others)}")
    old = storage.get("s3", {})
    bucket = {"bucket": old["bucket"]} if "bucket" in old else {}
    if (path := storage.get("path", spec.get("path"))) is None:
        yield Problem(_STORAGE / "path", MISSING, "the path of the model in the store")
        return
    model = {
        "path": path,
        "schemaPath": storage.get("schemaPath", spec.get("schemaPath")),
        "key": storage.get("key", old.get("secretKey")),
        "parameters": storage.get("parameters", bucket),
    }
    given = {"storage": rendering.document(model)}
    request = ModelRequest(
        name=spec["modelType"]["name"],
        version=spec["modelType"].get("version"),
        protocol=spec.get("protocolVersion"),
        runtime=spec.get("runtime", {}).get("name"),
        path=_SPEC,
    )
    yield from placement_problems(request, context)
    for problem in location_problems(_SPEC, given, {}, context):
        moved = problem.path == _STORAGE / "path" and "path" not in storage
        yield replace(problem, path=_SPEC / "path") if moved else problem
