"""What the types in `Pulumi.yaml` do not say about the configuration, told in its own keys, before any resource exists.

Most of it is the components' to know: they are asked here, because each would refuse its own part only when what comes
before it is registered already.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import components as mm
import config_schema
from components.etcd import disk_problems
from components.images import resolve
from components.manifests import manifest_problems
from components.rendering import Unknown, checkable
from components.rules.installation import installation_problems
from components.shapes import label_problems, quantity_problems, secret_key_problems, subdomain_problems

if TYPE_CHECKING:
    from settings import Settings

# Where the components' problems start, and the key that a stack sets for it.
_KEYS = {
    "built_in_runtimes": "builtInRuntimes",
    "config.adapter_resources": "adapterResources",
    "config.max_message_bytes": "maxMessageBytes",
    "config.mesh_resources": "meshResources",
    "config.pods_per_runtime": "podsPerRuntime",
    "controller.replicas": "controllerReplicas",
    "images.registry prefix": "imageRegistry",
    "model_namespaces[0]": "modelNamespace",
    "namespace_name": "namespace",
    "persistence.etcd.size": "persistence.etcd",
    "persistence.etcd.storage_class": "persistence.storageClass",
    "persistence.minio.size": "persistence.minio",
    "persistence.minio.storage_class": "persistence.storageClass",
    "webhook_certificate": "webhookCertificate",
}
# What a path of the runtime's document comes from.
_RUNTIME_KEYS = {
    "memory": "runtimeMemory",
    "memBufferBytes": "runtimeMemory",
    "requests.cpu": "runtimeCpuRequest",
    "limits.cpu": "runtimeCpuLimit",
    "supportedModelFormats": "modelFormat",
}


def complete(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """All keys with a value that has its shape, so that the rest can be checked, and what had none."""
    problems = list(_shape_problems(values))
    bad = {problem.partition(":")[0].partition(".")[0].partition("[")[0] for problem in problems}
    defaults = {key: entry.get("default", "(missing)") for key, entry in config_schema.schema().items()}
    return {**defaults, **{key: value for key, value in values.items() if key not in bad}}, problems


def any_images() -> mm.Images:
    """Upstream's own, where those of the stack cannot be used."""
    images, _ = resolve({"minio": "minio:unknown"})
    assert images, "upstream's own images are pinned"
    return images


def problems(settings: "Settings") -> list[str]:
    """Everything that could not work, as "key: value, what is expected"."""
    any_etcd = mm.EtcdConnection(endpoints=["http://127.0.0.1:2379"], root_prefix="any")  # the stack's own is no input
    sizes = list(_size_problems(settings))
    found = [
        *installation_problems(settings.installation(namespace=settings.namespace, etcd=any_etcd)),
        *_name_problems(settings),
        *(sizes or _runtime_problems(settings)),
    ]
    if settings.model_namespace == settings.namespace:  # one name needs to be called wrong once
        found = [problem for problem in found if not problem.startswith("model_namespaces")]
    return [by_key(problem) for problem in found]


def by_key(problem: str) -> str:
    """A component's problem, told of the key that a stack sets for it."""
    for path, key in _KEYS.items():
        if problem.startswith(path):
            return key + problem.removeprefix(path)
    return problem


def _shape_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """The schema looks into no object and no list."""
    for key in ("kubeconfig", "context", "registry", "modelFormat"):
        if key in values and not values[key].strip():
            yield f"{key}: {values[key]!r}, expected some text"
    for key in ("buildArgs", "persistence"):
        for entry, value in values.get(key, {}).items():
            if not isinstance(value, str):
                yield f"{key}.{entry}: {value!r}, expected string"
    for index, value in enumerate(values.get("builtInRuntimes", [])):
        if not isinstance(value, str):
            yield f"builtInRuntimes[{index}]: {value!r}, expected string"
    yield from _unknown("persistence", values, ("etcd", "minio", "storageClass"))
    for key in ("meshResources", "adapterResources"):
        yield from _unknown(key, values, ("requests", "limits"))
        for side, quantities in values.get(key, {}).items():
            if not isinstance(quantities, dict):
                yield f"{key}.{side}: {quantities!r}, expected quantities of cpu and memory"


def _unknown(key: str, values: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[str]:
    for entry in values.get(key, {}):
        if entry not in known:
            yield f"{key}.{entry}: unknown; known are {', '.join(known)}"


def _name_problems(settings: "Settings") -> Iterator[str]:
    yield from label_problems("modelName", settings.model_name)
    yield from label_problems("bucket", settings.bucket)
    yield from subdomain_problems("inferenceService", settings.inference_service)
    yield from secret_key_problems("storageKey", settings.storage_key)


def _size_problems(settings: "Settings") -> Iterator[str]:
    yield from quantity_problems("runtimeMemory", settings.runtime_memory)
    yield from quantity_problems("runtimeCpuRequest", settings.runtime_cpu_request)
    yield from quantity_problems("runtimeCpuLimit", settings.runtime_cpu_limit)
    times = {"loadTimeoutSeconds": settings.load_timeout_seconds, "readyTimeoutSeconds": settings.ready_timeout_seconds}
    for key, seconds in times.items():
        if seconds < 1:
            yield f"{key}: {seconds}, expected 1 or more"
    if settings.etcd_persistence:
        yield from disk_problems(settings.etcd_persistence, "persistence.etcd")
    if settings.minio_persistence:
        yield from settings.minio_persistence.problems("persistence.minio")


def _runtime_problems(settings: "Settings") -> list[str]:
    """Of the ServingRuntime, whatever image is built for it."""
    try:
        spec = checkable(settings.runtime_spec(Unknown()).spec())
    except mm.InvalidSpec as invalid:
        return [f"modelFormat: {problem}" for problem in invalid.problems]
    document = {"kind": "ServingRuntime", "metadata": {"name": settings.runtime_name}, "spec": spec}
    return [_of_runtime(problem) for problem in manifest_problems(document, settings.serving) or []]


def _of_runtime(problem: str) -> str:
    for part, key in _RUNTIME_KEYS.items():
        if part in problem.partition(": ")[0]:
            return f"{key}: {problem}"
    return f"runtimeName: {problem}"
