"""Checks documents that were not written here, as `kubectl apply` would be given them, by the same rules.

What only a stack knows (other runtimes, storage keys) is not checked.
"""

from collections.abc import Iterator
from typing import Any

from ..images.images import resolve
from ..installation.serving_config import ServingConfig
from ..runtimes.runtime_rules import runtime_problems
from ..upstream import spec_problems
from .service_rules import service_problems
from .surroundings import Surroundings


def manifest_problems(document: dict[str, Any], config: ServingConfig | None = None) -> list[str] | None:
    """What ModelMesh Serving would ignore, panic on or only log of a document; None where it is no concern of its own.

    Without a `config` the installation is taken to be upstream's default one.
    """
    kind = document.get("kind")
    if kind not in ("ServingRuntime", "ClusterServingRuntime", "InferenceService"):
        return None
    # A rule may rely on the types of a document that the API server would take.
    if problems := [*_metadata_problems(document.get("metadata")), *_spec_problems(kind, document.get("spec"))]:
        return problems
    document = {
        **document,
        "metadata": {key: value for key, value in document["metadata"].items() if value is not None},
    }
    if kind == "InferenceService":
        return service_problems(document, Surroundings(namespace=document["metadata"].get("namespace", "")))
    return runtime_problems(document, config or _defaults())


def _metadata_problems(metadata: object) -> Iterator[str]:
    if not isinstance(metadata, dict):
        yield f"metadata: {metadata!r}, expected a mapping"
        return
    for key in ("name", "namespace"):
        if not isinstance(metadata.get(key, "" if key == "namespace" else None), str):
            yield f"metadata.{key}: {metadata.get(key)!r}, expected a text"
    for key in ("labels", "annotations"):
        entries = metadata.get(key) or {}
        if not isinstance(entries, dict):
            yield f"metadata.{key}: {entries!r}, expected a mapping"
            continue
        for name, value in entries.items():
            if not (isinstance(name, str) and isinstance(value, str)):
                yield f"metadata.{key}.{name}: {value!r}, expected a text"


def _spec_problems(kind: str, spec: object) -> list[str]:
    return spec_problems(kind, spec) if isinstance(spec, dict) else [f"spec: {spec!r}, expected a mapping"]


def _defaults() -> ServingConfig:
    images, _ = resolve({}, with_minio=False)
    assert images, "upstream's own images are pinned"
    return ServingConfig(images=images)
