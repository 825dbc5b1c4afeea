"""Configuration keys of the components' arguments, to report a problem of an argument by its key."""

import re
from dataclasses import replace

from components.checks import FieldPath, Problem

_BUILD = {
    "registry": "registry",
    "engine": "buildWith",
    "builder": "builder",
    "on_preview": "buildOnPreview",
    "build_args": "buildArgs",
    "platforms": "platforms",
    "cache": "buildCache",
    "secrets": "buildSecrets",
    "credentials.username": "registryUser",
    "credentials.password": "registryPassword",
}
KEYS = {
    **{f"{image}.build.{field}": key for image in ("image", "model.files") for field, key in _BUILD.items()},
    "guard.cluster": "context",
    "guard.controller_namespace": "namespace",
    "guard.definitions": "customResourceDefinitions",
    "guard.existing_namespaces": "namespacesExist",
    "guard.namespace_names": "namespacesExist",
    "guard.scope": "scope",
    "image.ref": "runtimeImage",
    "image.repository": "runtimeName",
    "image.sources": "runtimeSource",
    "images.overrides": "images",
    "images.registry": "imageRegistry",
    "installation.built_in_runtimes": "builtInRuntimes",
    "installation.config.adapter_resources": "adapterResources",
    "installation.config.image_pull_secrets.*": "pullSecrets.*",
    # A pull secret in the configuration has the credentials of one registry.
    "installation.config.image_pull_secrets.*.credentials.0": "pullSecrets.*",
    "installation.config.max_message_bytes": "maxMessageBytes",
    "installation.config.mesh_resources": "meshResources",
    "installation.config.pods_per_runtime": "podsPerRuntime",
    "installation.controller.replicas": "controllerReplicas",
    "installation.definitions": "customResourceDefinitions",
    "installation.etcd": "etcd",
    "installation.model_namespaces.0": "modelNamespace",
    "installation.namespace_name": "namespace",
    "installation.scope": "scope",
    "installation.tls": "tls",
    "installation.webhook_certificate": "webhookCertificate",
    "minio.bucket": "bucket",
    "model.files.digest": "modelDigest",
    "model.files.image": "modelImage",
    "model.files.source": "modelSource",
    "model.model_name": "modelName",
    "model.storage": "s3",
    "model.storage.bucket": "bucket",
    "model_namespace.namespace": "modelNamespace",
    "model_namespace.storage": "storageKey",
    "model_namespace.storage.*": "s3",
    "model_namespace.storage.*.bucket": "bucket",
    "more_models.services": "models",
    "more_models.services.*.metadata.name": "models.*.name",
    "more_models.services.*.model_name": "models.*.name",
    "more_models.services.*.spec.predictor.model.storage.path": "models.*.path",
    "namespace.namespace": "namespace",
    "runtime_gate.runtime.runtime_name": "runtimeName",
    "runtime.cpu_limit": "runtimeCpuLimit",
    "runtime.cpu_request": "runtimeCpuRequest",
    "runtime.environment": "runtimeEnvironment",
    "runtime.formats.0.name": "modelFormat",
    "runtime.gpus": "runtimeGpus",
    "runtime.memory": "runtimeMemory",
    "runtime.metadata.name": "runtimeName",
    "runtime.shared_memory": "runtimeSharedMemory",
    "runtime.spec.builtInAdapter.memBufferBytes": "runtimeMemory",
    "runtime.spec.containers.0.resources.limits.cpu": "runtimeCpuLimit",
    "runtime.spec.containers.0.resources.limits.memory": "runtimeMemory",
    "runtime.spec.containers.0.resources.requests.cpu": "runtimeCpuRequest",
    "runtime.spec.containers.0.resources.requests.memory": "runtimeMemory",
    "runtime.spec.nodeSelector": "runtimeNodeSelector",
    "runtime.spec.supportedModelFormats.0.name": "modelFormat",
    "runtime.spec.supportedModelFormats.0.version": "modelFormatVersion",
    "runtime.spec.tolerations": "runtimeTolerations",
    "service.golden.folder": "goldenPredictions",
    "service.golden.model_bytes": "runtimeMemory",
    "service.metadata.name": "inferenceService",
    **{
        f"{store}.persistence.{field}": f"persistence.{key}"
        for store in ("etcd", "minio")
        for field, key in {"size": store, "storage_class": "storageClass"}.items()
    },
    **{f"{image}.image_pull_secrets.*": "pullSecrets.*.name" for image in ("etcd", "minio", "model")},
}
"""Keys by the path of the argument that they set; `*` is any entry, and what follows a path follows its key."""


def by_key(problem: Problem) -> Problem:
    """The problem of an argument as one of the key that sets it; the longest path of `KEYS` that matches decides."""
    for length in range(len(problem.path), 1, -1):
        for pattern, key in KEYS.items():
            parts = pattern.split(".")
            pairs = list(zip(parts, problem.path[:length], strict=False))
            if len(parts) == length and all(part in ("*", str(place)) for part, place in pairs):
                entries = iter([place for part, place in pairs if part == "*"])
                path = [next(entries) if part == "*" else part for part in key.split(".")]
                rest = [_camel(part) if key in ("etcd", "s3", "tls") else part for part in problem.path[length:]]
                return replace(problem, path=FieldPath(*path, *rest))
    return problem


def snake(key: str) -> str:
    """The name of an argument for a key: endpoint_url for endpointUrl."""
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", key)


def _camel(part: str | int) -> str | int:
    return re.sub("_([a-z])", lambda letter: letter[1].upper(), part) if isinstance(part, str) else part
