"""Loads the engine's configuration into Settings and reports every problem at once, before any resource exists."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml

import components as mm
from components.checks import ROOT, FieldPath, Problem, Text

from . import schema
from .component_checks import component_problems
from .conflicts import conflicts
from .keys import by_key, snake
from .models import Model, models
from .records import secret_problems
from .settings import Settings
from .stand_in import stand_in_labels


class ConfigurationError(pulumi.RunError):
    """The stack's configuration has problems; the message has all of them."""


def load() -> Settings:
    """Loads the settings of the current stack.

    Raises:
        ConfigurationError: Some values are missing, wrong, or contradict each other.
    """
    stack, prefix = pulumi.get_stack(), f"{pulumi.get_project()}:"
    everything = {**pulumi.runtime.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    given = {key.removeprefix(prefix): text for key, text in everything.items() if key.startswith(prefix)}
    encrypted = frozenset(key for key in given if _is_secret(prefix + key))
    values, problems = schema.typed(given, encrypted)
    wrong = {problem.path[0] for problem in problems}
    if not pulumi.runtime.is_dry_run():
        unreadable = sorted(key for key, text in given.items() if schema.UNREADABLE in text)
        problems += [Problem(ROOT / key, Text(schema.UNREADABLE), "the secret for an update") for key in unreadable]
    try:
        images = mm.Images.of(values["images"], registry=values["imageRegistry"])
    except mm.InvalidSpecError as error:
        problems += [by_key(problem.under("images")) for problem in error.problems]
        images = mm.Images.of()
    more_models, model_problems = models(values)
    settings = _settings(values, images, more_models)
    problems += [
        *model_problems,
        *secret_problems(values, encrypted, _written(stack, prefix)),
        *conflicts(values, wrong),
        *component_problems(settings),
    ]
    if not problems:
        return settings
    by_path: dict[FieldPath, Problem] = {}
    for problem in problems:
        by_path.setdefault(problem.path, problem)
    raise ConfigurationError(
        f"The configuration of stack {stack!r} (Pulumi.{stack}.yaml) cannot be used:\n"
        + "".join(f"  {prefix}{problem}\n" for problem in by_path.values())
        + "Pulumi.yaml describes every key; `pulumi config set <key> <value>` sets one."
    )


def _written(stack: str, prefix: str) -> dict[str, Any]:
    """Values as they are in the stack's file, with ciphertexts in place of secrets; empty if it has no such file."""
    file = Path(f"Pulumi.{stack}.yaml")
    content = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
    config = content.get("config") if isinstance(content, dict) else None
    return {str(key).removeprefix(prefix): value for key, value in (config or {}).items()}


def _is_secret(key: str) -> bool:
    return pulumi.runtime.is_config_secret(key) or key in pulumi.runtime.get_config_secret_keys_env()


def _settings(values: Mapping[str, Any], images: mm.Images, more_models: tuple[Model, ...]) -> Settings:
    v = values
    return Settings(
        cluster=mm.Cluster(kubeconfig=v["kubeconfig"], context=v["context"]),
        namespace=v["namespace"],
        model_namespace=v["modelNamespace"] or v["namespace"],
        namespaces_exist=v["namespacesExist"],
        definitions=v["customResourceDefinitions"],
        protect=v["protect"],
        scope=v["scope"],
        promoted_image=mm.images.PromotedImage(ref=v["runtimeImage"]) if v["runtimeImage"] else None,
        promoted_model=mm.stores.PromotedModel(image=v["modelImage"], digest=v["modelDigest"])
        if v["modelImage"]
        else None,
        build=_build(v),
        images=images,
        serving=mm.ServingConfig(
            images=images,
            pods_per_runtime=v["podsPerRuntime"],
            rest_proxy=mm.installation.RestProxy(enabled=v["restProxy"]),
            scale_to_zero=mm.installation.ScaleToZero(enabled=v["scaleToZero"]),
            mesh_resources=_resources(v["meshResources"]) if v["meshResources"] else None,
            adapter_resources=_resources(v["adapterResources"]),
            max_message_bytes=v["maxMessageBytes"],
            pod_labels=stand_in_labels(images),
            image_pull_secrets=[_pull_secret(entry) for entry in v["pullSecrets"]],
        ),
        controller=mm.installation.Controller(replicas=v["controllerReplicas"]),
        webhook_certificate=v["webhookCertificate"],
        built_in_runtimes=tuple(v["builtInRuntimes"]),
        tls=_tls(v["tls"]),
        dashboard=v["dashboard"],
        runtime_source=Path(v["runtimeSource"]),
        runtime_name=v["runtimeName"],
        runtime_memory=v["runtimeMemory"],
        runtime_cpu_request=v["runtimeCpuRequest"],
        runtime_cpu_limit=v["runtimeCpuLimit"],
        model_format=mm.ModelFormat(name=v["modelFormat"], version=v["modelFormatVersion"]),
        load_timeout_seconds=v["loadTimeoutSeconds"],
        model_source=Path(v["modelSource"]),
        model_name=v["modelName"],
        inference_service=v["inferenceService"],
        more_models=more_models,
        ready_timeout_seconds=v["readyTimeoutSeconds"],
        storage_key=v["storageKey"],
        bucket=v["bucket"],
        s3=mm.S3Storage(bucket=v["bucket"], **_fields(v["s3"])) if v["s3"] else None,
        outside_etcd=mm.stores.EtcdConnection(**{"root_prefix": v["namespace"]} | _fields(v["etcd"]))
        if v["etcd"]
        else None,
        etcd_persistence=_persistence(v, "etcd"),
        minio_persistence=_persistence(v, "minio"),
    )


def _build(values: Mapping[str, Any]) -> mm.BuildArgs:
    user, password, registry = values["registryUser"], values["registryPassword"], values["registry"]
    return mm.BuildArgs(
        registry=registry,
        insecure=values["registryInsecure"],
        engine=values["buildWith"],
        builder=values["builder"] or None,
        on_preview=values["buildOnPreview"],
        build_args=values["buildArgs"],
        platforms=values["platforms"],
        cache=values["buildCache"],
        secrets=values["buildSecrets"],
        credentials=(
            mm.images.RegistryCredentials(registry=registry.partition("/")[0], username=user, password=password)
            if user and password
            else None
        ),
    )


def _pull_secret(entry: Mapping[str, str]) -> mm.images.ImagePullSecret:
    user = {field: entry.get(field, "") for field in ("registry", "username", "password")}
    return mm.images.ImagePullSecret(
        name=entry["name"], credentials=[mm.images.RegistryCredentials(**user)] if any(user.values()) else ()
    )


def _tls(tls: Mapping[str, Any]) -> mm.installation.DataPlaneTls | None:
    return (
        mm.installation.DataPlaneTls(**_fields({k: v for k, v in tls.items() if k != "enabled"}))
        if tls.get("enabled")
        else None
    )


def _resources(resources: Mapping[str, Mapping[str, str]]) -> mm.installation.Resources:
    return mm.installation.Resources(requests=resources.get("requests", {}), limits=resources.get("limits", {}))


def _persistence(values: Mapping[str, Any], store: str) -> mm.stores.Persistence | None:
    persistence = values["persistence"]
    if store not in persistence:
        return None
    return mm.stores.Persistence(
        size=persistence[store], storage_class=persistence.get("storageClass"), protect=values["protect"]
    )


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    return {snake(key): value for key, value in record.items()}
