"""What the types in `Pulumi.yaml` do not say about the configuration, told in its own keys, before any resource exists.

Most of it is the components' to know: they are asked here, because each would refuse its own part only when what comes
before it is registered already.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import components as mm
from components.core.names_and_quantities import label_problems, quantity_problems, subdomain_problems
from components.core.rendering import Unknown, with_placeholders
from components.images.images import resolve
from components.installation.installation_rules import installation_problems
from components.services.manifests import manifest_problems
from components.stores.etcd import disk_problems
from components.stores.model_artifact import model_name_problems
from components.stores.storage_rules import storage_problems

from . import schema
from .records import record_problems
from .settings import Settings

# Where the components' problems start, and the key that a stack sets for it.
_KEYS = {
    "built_in_runtimes": "builtInRuntimes",
    "config.adapter_resources": "adapterResources",
    "config.max_message_bytes": "maxMessageBytes",
    "config.mesh_resources": "meshResources",
    "config.pods_per_runtime": "podsPerRuntime",
    "config.image_pull_secrets": "pullSecrets",
    "controller.replicas": "controllerReplicas",
    "definitions": "customResourceDefinitions",
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
# What a field of BuildArgs comes from.
_BUILD_KEYS = {
    "registry": "registry",
    "engine": "buildWith",
    "builder": "builder",
    "on_preview": "buildOnPreview",
    "build_args": "buildArgs",
    "platforms": "platforms",
    "cache": "buildCache",
    "secrets": "buildSecrets",
    "credentials": "registryUser",
}


def complete(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """All keys with a value that has its shape, so that the rest can be checked, and what had none."""
    problems = list(_shape_problems(values))
    bad = {problem.partition(":")[0].partition(".")[0].partition("[")[0] for problem in problems}
    defaults = {key: entry.get("default", "(missing)") for key, entry in schema.schema().items()}
    return {**defaults, **{key: value for key, value in values.items() if key not in bad}}, problems


def any_images() -> mm.Images:
    """Upstream's own, where those of the stack cannot be used."""
    images, _ = resolve({"minio": "minio:unknown"})
    assert images, "upstream's own images are pinned"
    return images


def problems(settings: Settings) -> list[str]:
    """Everything that could not work, as "key: value, what is expected"."""
    # The stack's own is no input.
    etcd = settings.outside_etcd or mm.stores.EtcdConnection(endpoints=["http://127.0.0.1:2379"], root_prefix="any")
    sizes = list(_size_problems(settings))
    found = [
        *installation_problems(settings.installation(namespace=settings.namespace, etcd=etcd)),
        *_image_problems(settings),
        *_store_problems(settings),
        *_name_problems(settings),
        *(sizes or _runtime_problems(settings)),
    ]
    if settings.model_namespace == settings.namespace:  # one name needs to be called wrong once
        found = [problem for problem in found if not problem.startswith("model_namespaces")]
    return [by_key(problem) for problem in found]


def by_key(problem: str) -> str:
    """A component's problem, told of the key that a stack sets for it."""
    path, separator, rest = problem.partition(": ")
    for start, key in _KEYS.items():
        if path.startswith(start):
            # A pull secret of the stack has one registry's user; what comes again names the first by its path, too.
            place = path.removeprefix(start).replace(".credentials[0]", "")
            return key + place + separator + rest.replace(f"{start}[", f"{key}[")
    # The fields of tls and etcd are called as the components call them, but for the way of writing.
    return (_key(path) if path.startswith(("tls.", "etcd.")) else path) + separator + rest


def field(name: str) -> str:
    """A key's name as Python has it: endpointUrl is endpoint_url."""
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)


def _key(name: str) -> str:
    """The other way round."""
    return re.sub("_([a-z])", lambda letter: letter[1].upper(), name)


def _shape_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """The schema looks into no object and no list."""
    for key in ("kubeconfig", "context", "modelFormat"):
        if key in values and not values[key].strip():
            yield f"{key}: {values[key]!r}, expected some text"
    if "kubeconfig" in values and not _is_path(values["kubeconfig"]):
        yield "kubeconfig: (not shown), expected the path of a file, not what is in it"
    yield from record_problems(values)


def _is_path(text: str) -> bool:
    """Whether it can be one. Other tools of Pulumi take what stands in a kubeconfig file, which has secrets in it."""
    try:
        Path(text).expanduser().is_file()
    except (OSError, RuntimeError):  # too long for a name; or of an unknown user
        return False
    return "\n" not in text and not text.startswith("{")


def _image_problems(settings: Settings) -> Iterator[str]:
    """Of those images that the stack builds, or that another stack built."""
    if settings.promoted_image:
        yield from (_renamed(problem, {"ref": "runtimeImage"}) for problem in settings.promoted_image.problems())
    if settings.promoted_model:
        keys = {"image": "modelImage", "digest": "modelDigest"}
        yield from (_renamed(problem, keys) for problem in settings.promoted_model.problems())
    if settings.build.registry:  # that it is missing is told already
        yield from (_renamed(problem, _BUILD_KEYS) for problem in settings.build.problems())


def _store_problems(settings: Settings) -> Iterator[str]:
    # Of the stack's own, the key and the bucket alone are an input.
    own = mm.S3Storage(endpoint_url="http://own", region="own", access_key_id="own", secret_access_key="own")  # noqa: S106
    for problem in storage_problems({settings.storage_key: settings.s3 or own}):
        path, _, rest = problem.partition(": ")
        field = path.removeprefix(f"storage.{settings.storage_key}.")
        if field == path:
            yield f"storageKey: {rest}"
        elif field != "bucket":  # which has stricter rules here
            yield f"s3.{_key(field)}: {rest}"


def _renamed(problem: str, keys: Mapping[str, str]) -> str:
    start = re.match("[a-z_]+", problem)
    assert start, problem
    return keys[start[0]] + problem.removeprefix(start[0])


def _name_problems(settings: Settings) -> Iterator[str]:
    yield from model_name_problems("modelName", settings.model_name)
    yield from label_problems("bucket", settings.bucket)
    yield from subdomain_problems("inferenceService", settings.inference_service)


def _size_problems(settings: Settings) -> Iterator[str]:
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


def _runtime_problems(settings: Settings) -> list[str]:
    """Of the ServingRuntime, whatever image is built for it."""
    try:
        spec = with_placeholders(settings.runtime_spec(Unknown()).spec())
    except mm.InvalidSpecError as invalid:
        return [f"modelFormat: {problem}" for problem in invalid.problems]
    document = {"kind": "ServingRuntime", "metadata": {"name": settings.runtime_name}, "spec": spec}
    return [_of_runtime(problem) for problem in manifest_problems(document, settings.serving) or []]


def _of_runtime(problem: str) -> str:
    for part, key in _RUNTIME_KEYS.items():
        if part in problem.partition(": ")[0]:
            return f"{key}: {problem}"
    return f"runtimeName: {problem}"
