"""Checks documents that were not written here, as `kubectl apply` would be given them, by the same rules.

What only a stack knows (other runtimes, storage keys) is not checked.
"""

from typing import Any

from .images import resolve
from .rules.runtime import runtime_problems
from .rules.service import service_problems
from .rules.surroundings import Surroundings
from .serving_config import ServingConfig
from .upstream import spec_problems


def manifest_problems(document: dict[str, Any], config: ServingConfig | None = None) -> list[str]:
    """What ModelMesh Serving would ignore, panic on or only log of a document; other kinds are not its concern.

    Without a `config` the installation is taken to be upstream's default one.
    """
    kind = document.get("kind", "")
    if kind not in ("ServingRuntime", "ClusterServingRuntime", "InferenceService"):
        return []
    lacking = [key for key in ("metadata", "spec") if not isinstance(document.get(key), dict)]
    if lacking or "name" not in document["metadata"]:
        return [f"{key}: missing" for key in lacking or ["metadata.name"]]
    problems = spec_problems(kind, document["spec"])
    if problems:  # a rule may rely on the types of the schema
        return problems
    if kind == "InferenceService":
        return service_problems(document, Surroundings(namespace=document["metadata"].get("namespace", "")))
    return runtime_problems(document, config or _defaults())


def _defaults() -> ServingConfig:
    images, _ = resolve({}, with_minio=False)
    assert images, "upstream's own images are pinned"
    return ServingConfig(images=images)
