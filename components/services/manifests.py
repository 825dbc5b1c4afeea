"""Checks of documents that no component made, as `kubectl apply` takes them, of all kinds that ModelMesh Serving reads.

Only a stack knows the runtimes and storage keys of a namespace, so documents are not checked against them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..core import rendering
from ..core.annotations import MODE
from ..core.problem import MISSING, FieldPath, Problem
from ..core.reading import at
from ..images.images import Images
from ..installation.serving_config import ServingConfig
from ..installation.serving_config_document import config_map_problems
from ..runtimes.runtime_rules import runtime_problems
from ..stores.storage_rules import secret_problems
from ..upstream import spec_problems
from .namespace_context import NamespaceContext
from .predictor_rules import predictor_problems
from .service_rules import service_problems

Document = Mapping[str, Any]

_GROUP, _FORMER_GROUP = "serving.kserve.io", "serving.kubeflow.org"
_VERSIONS = {
    "ServingRuntime": "v1alpha1",
    "ClusterServingRuntime": "v1alpha1",
    "InferenceService": "v1beta1",
    "Predictor": "v1alpha1",
}
_NAMED = {("Secret", "storage-config"): secret_problems, ("ConfigMap", "model-serving-config"): config_map_problems}
"""Checks of objects that ModelMesh Serving finds by their names."""
_KSERVE_MODES = ("Serverless", "RawDeployment", "Knative", "Standard")
_ONLY_MODELMESH = ("builtInAdapter", "grpcDataEndpoint", "grpcEndpoint", "storageHelper")
"""Fields of a runtime that KServe itself does not read."""
_METADATA, _KIND = FieldPath("metadata"), FieldPath("kind")


def is_read(document: Document) -> bool:
    """Whether the document is one that ModelMesh Serving reads, or that was meant to be; KServe has others."""
    kind, version = document.get("kind"), document.get("apiVersion")
    group = version.partition("/")[0] if isinstance(version, str) else None
    if not isinstance(kind, str):
        return group == _GROUP
    if kind in _VERSIONS:
        return group in (None, _GROUP, _FORMER_GROUP) and not _is_kserves(document)
    return version in (None, "v1") and (kind, str(at(document, "metadata", "name"))) in _NAMED


def manifest_problems(document: Document, config: ServingConfig | None = None) -> list[Problem]:
    """Checks a document for which `is_read` is true, for an installation with `config`, by default upstream's."""
    document = rendering.document(document)  # the API server stores no null
    kind, metadata = document.get("kind"), document.get("metadata")
    if not isinstance(kind, str):
        return [Problem(_KIND, MISSING if kind is None else kind, f"one of {', '.join(_VERSIONS)}")]
    version = list(_version_problems(document))
    if kind not in _VERSIONS:
        return [*version, *_NAMED[kind, document["metadata"]["name"]](document)]
    # The rules rely on the types that the schema defines.
    found = [*_metadata_problems(metadata), *_spec_problems(kind, document.get("spec"))]
    if not all(problem.ignored for problem in found):
        return [*version, *found]
    rules = list(_rule_problems(document, config or ServingConfig(images=Images.of())))
    if kind == "InferenceService" and MODE not in document["metadata"].get("annotations", {}):
        rules = [problem for problem in rules if MODE in problem.path]  # KServe may serve it as it is
    return [*version, *found, *rules]


def _rule_problems(document: Document, config: ServingConfig) -> Iterator[Problem]:
    context = NamespaceContext(namespace=document["metadata"].get("namespace", ""))
    match document["kind"]:
        case "InferenceService":
            yield from service_problems(document, context)
        case "Predictor":
            yield from predictor_problems(document, context)
        case _:
            yield from runtime_problems(dict(document), config, pinned=False)


def _is_kserves(document: Document) -> bool:
    """Whether KServe itself serves the object, and ModelMesh leaves it alone."""
    if document["kind"] == "InferenceService":
        return at(document, "metadata", "annotations", MODE) in _KSERVE_MODES
    spec = document.get("spec")
    if document["kind"] == "Predictor" or not isinstance(spec, dict) or not spec.get("containers"):
        return False
    multi_model = spec.get("multiModel")
    return multi_model is False or (multi_model is None and not spec.keys() & {*_ONLY_MODELMESH})


def _version_problems(document: Document) -> Iterator[Problem]:
    expected = f"{_GROUP}/{_VERSIONS[document['kind']]}" if document["kind"] in _VERSIONS else "v1"
    if (version := document.get("apiVersion", MISSING)) != expected:
        yield Problem(FieldPath("apiVersion"), version, expected)


def _metadata_problems(metadata: object) -> Iterator[Problem]:
    if not isinstance(metadata, dict):
        yield Problem(_METADATA, MISSING if metadata is None else metadata, "a mapping")
        return
    for key in ("name", "namespace"):
        if not isinstance(value := metadata.get(key, MISSING if key == "name" else ""), str) or value is MISSING:
            yield Problem(_METADATA / key, value, "a text")
    for key in ("labels", "annotations"):
        entries = metadata.get(key, {})
        if not isinstance(entries, dict):
            yield Problem(_METADATA / key, entries, "a mapping")
            continue
        for name, value in entries.items():
            if not (isinstance(name, str) and isinstance(value, str)):
                yield Problem(_METADATA / key / str(name), value, "a text")


def _spec_problems(kind: str, spec: object) -> list[Problem]:
    if not isinstance(spec, dict):
        return [Problem(FieldPath("spec"), MISSING if spec is None else spec, "a mapping")]
    return spec_problems(kind, spec)
