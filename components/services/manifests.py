"""Checks of ServingRuntime and InferenceService documents that no component made, as `kubectl apply` takes them.

Only a stack knows the runtimes and storage keys of a namespace, so documents are not checked against them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..core.problem import FieldPath, Problem
from ..images.images import Images
from ..installation.serving_config import ServingConfig
from ..runtimes.runtime_rules import runtime_problems
from ..upstream import spec_problems
from .namespace_context import NamespaceContext
from .service_rules import service_problems

KINDS = ("ServingRuntime", "ClusterServingRuntime", "InferenceService")
"""Kinds of documents that are checked."""
_METADATA = FieldPath("metadata")


def manifest_problems(document: Mapping[str, Any], config: ServingConfig | None = None) -> list[Problem]:
    """Checks a document of one of `KINDS` for an installation with `config`, by default upstream's."""
    # The rules rely on the types that the schema defines.
    metadata, spec = document.get("metadata"), document.get("spec")
    if problems := [*_metadata_problems(metadata), *_spec_problems(document["kind"], spec)]:
        return problems
    metadata = {key: value for key, value in document["metadata"].items() if value is not None}
    document = {**document, "metadata": metadata}
    if document["kind"] == "InferenceService":
        context = NamespaceContext(namespace=document["metadata"].get("namespace", ""))
        return list(service_problems(document, context))
    return list(runtime_problems(document, config or ServingConfig(images=Images.of())))


def _metadata_problems(metadata: object) -> Iterator[Problem]:
    if not isinstance(metadata, dict):
        yield Problem(_METADATA, metadata, "a mapping")
        return
    for key in ("name", "namespace"):
        if not isinstance(metadata.get(key, "" if key == "namespace" else None), str):
            yield Problem(_METADATA / key, metadata.get(key), "a text")
    for key in ("labels", "annotations"):
        entries = metadata.get(key) or {}
        if not isinstance(entries, dict):
            yield Problem(_METADATA / key, entries, "a mapping")
            continue
        for name, value in entries.items():
            if not (isinstance(name, str) and isinstance(value, str)):
                yield Problem(_METADATA / key / str(name), value, "a text")


def _spec_problems(kind: str, spec: object) -> list[Problem]:
    if not isinstance(spec, dict):
        return [Problem(FieldPath("spec"), spec, "a mapping")]
    return spec_problems(kind, spec)
