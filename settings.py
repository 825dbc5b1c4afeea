"""The stack's configuration as one frozen, checked record, and what the components are to be told of it.

Nothing else reads configuration. `Pulumi.yaml` alone says which keys there are, of what type, with which default. Every
problem is named at once, before any resource exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

import components as mm
import config_schema
import settings_rules
from components.images import resolve
from components.installation import Scope
from components.webhook_certificate import Issuer


class BadConfiguration(pulumi.RunError):
    """The configuration cannot be used; the text has every reason."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one stack, grouped as the components take it; `Pulumi.yaml` describes each key."""

    cluster: mm.Cluster
    namespace: str
    model_namespace: str
    scope: Scope
    build: mm.BuildArgs
    images: mm.Images
    serving: mm.ServingConfig
    controller: mm.Controller
    webhook_certificate: Issuer
    built_in_runtimes: tuple[mm.BuiltInRuntime, ...]
    runtime_source: Path
    runtime_name: str
    runtime_memory: str
    runtime_cpu_request: str
    runtime_cpu_limit: str
    model_format: mm.ModelFormat
    load_timeout_seconds: int
    model_source: Path
    model_name: str
    inference_service: str
    ready_timeout_seconds: int
    storage_key: str
    bucket: str
    etcd_persistence: mm.Persistence | None
    minio_persistence: mm.Persistence | None

    def controller_namespace(self) -> mm.NamespaceArgs:
        """The namespace of the controller and its stores."""
        return mm.NamespaceArgs(namespace=self.namespace, serves_models=self.model_namespace == self.namespace)

    def etcd(self, *, namespace: pulumi.Input[str]) -> mm.EtcdArgs:
        """The registry of models."""
        return mm.EtcdArgs(
            namespace=namespace,
            image=str(self.images.etcd),
            root_prefix=self.namespace,
            persistence=self.etcd_persistence,
        )

    def minio(self, *, namespace: pulumi.Input[str]) -> mm.MinioArgs:
        """The store of models."""
        return mm.MinioArgs(
            namespace=namespace, image=str(self.images.minio), bucket=self.bucket, persistence=self.minio_persistence
        )

    def installation(self, *, namespace: pulumi.Input[str], etcd: mm.EtcdConnection) -> mm.ModelMeshServingArgs:
        """ModelMesh Serving."""
        return mm.ModelMeshServingArgs(
            cluster=self.cluster,
            namespace=namespace,
            namespace_name=self.namespace,
            model_namespaces=[self.model_namespace],
            scope=self.scope,
            etcd=etcd,
            config=self.serving,
            controller=self.controller,
            webhook_certificate=self.webhook_certificate,
            built_in_runtimes=self.built_in_runtimes,
        )

    def models(self, installation: mm.Installation, *, storage: mm.S3Storage) -> mm.ModelNamespaceArgs:
        """The namespace that models are served in, with that store under the storage key."""
        return mm.ModelNamespaceArgs(
            installation=installation, namespace=self.model_namespace, storage={self.storage_key: storage}
        )

    def model(self, *, namespace: pulumi.Input[str], storage: mm.S3Storage) -> mm.ModelArtifactArgs:
        """The model's files in that store."""
        return mm.ModelArtifactArgs(
            namespace=namespace, model_name=self.model_name, source=self.model_source, build=self.build, storage=storage
        )

    def runtime(self, *, namespace: mm.ModelNamespace, image: pulumi.Input[str]) -> mm.ServingRuntimeArgs:
        """The custom runtime."""
        return mm.ServingRuntimeArgs(
            namespace=namespace,
            runtime_name=self.runtime_name,
            spec=self.runtime_spec(image),
            ready_timeout_seconds=self.ready_timeout_seconds,
        )

    def runtime_spec(self, image: pulumi.Input[str]) -> mm.ServingRuntimeSpec:
        """What it runs. Raises InvalidSpec where that cannot work with any image."""
        return mm.mlserver_runtime(
            image=image,
            formats=[self.model_format],
            cpu_request=self.runtime_cpu_request,
            cpu_limit=self.runtime_cpu_limit,
            memory=self.runtime_memory,
            load_timeout_seconds=self.load_timeout_seconds,
        )

    def service(
        self, *, namespace: mm.ModelNamespace, runtime: mm.ServingRuntime, path: pulumi.Input[str]
    ) -> mm.InferenceServiceArgs:
        """The model on that runtime."""
        return mm.InferenceServiceArgs(
            namespace=namespace,
            runtimes=[runtime],
            model_name=self.inference_service,
            model_format=self.model_format.name,
            runtime=self.runtime_name,
            storage=mm.ModelPath(path=path, key=self.storage_key),
            ready_timeout_seconds=self.ready_timeout_seconds,
        )


def load() -> Settings:
    """The current stack's settings. Raises BadConfiguration with every problem and where to mend it."""
    prefix = f"{pulumi.get_project()}:"
    everything = {**pulumi.runtime.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    given = {key.removeprefix(prefix): text for key, text in everything.items() if key.startswith(prefix)}
    values, problems = config_schema.typed(given)
    values, more = settings_rules.complete(values)
    images, image_problems = resolve(values["images"], values["imageRegistry"])
    problems += more + [settings_rules.by_key(f"images.{problem}") for problem in image_problems]
    settings = _settings(values, images or settings_rules.any_images())
    problems += settings_rules.problems(settings)
    if not problems:
        return settings
    stack = pulumi.get_stack()
    raise BadConfiguration(
        f"The configuration of stack {stack!r} (Pulumi.{stack}.yaml) cannot be used:\n"
        + "".join(f"  {prefix}{problem}\n" for problem in problems)
        + "Pulumi.yaml describes every key; `pulumi config set <key> <value>` sets one."
    )


def _settings(values: Mapping[str, Any], images: mm.Images) -> Settings:
    v = values
    return Settings(
        cluster=mm.Cluster(kubeconfig=v["kubeconfig"], context=v["context"]),
        namespace=v["namespace"],
        model_namespace=v["modelNamespace"] or v["namespace"],
        scope=v["scope"],
        build=mm.BuildArgs(
            registry=v["registry"],
            insecure=v["registryInsecure"],
            builder=v["builder"] or None,
            on_preview=v["buildOnPreview"],
            build_args=v["buildArgs"],
        ),
        images=images,
        serving=mm.ServingConfig(
            images=images,
            pods_per_runtime=v["podsPerRuntime"],
            rest_proxy=mm.RestProxy(enabled=v["restProxy"]),
            scale_to_zero=mm.ScaleToZero(enabled=v["scaleToZero"]),
            mesh_resources=_resources(v["meshResources"]) if v["meshResources"] else None,
            adapter_resources=_resources(v["adapterResources"]),
            max_message_bytes=v["maxMessageBytes"],
        ),
        controller=mm.Controller(replicas=v["controllerReplicas"]),
        webhook_certificate=v["webhookCertificate"],
        built_in_runtimes=tuple(v["builtInRuntimes"]),
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
        ready_timeout_seconds=v["readyTimeoutSeconds"],
        storage_key=v["storageKey"],
        bucket=v["bucket"],
        etcd_persistence=_persistence(v["persistence"], "etcd"),
        minio_persistence=_persistence(v["persistence"], "minio"),
    )


def _resources(resources: Mapping[str, Mapping[str, str]]) -> mm.Resources:
    return mm.Resources(requests=resources.get("requests", {}), limits=resources.get("limits", {}))


def _persistence(persistence: Mapping[str, str], store: str) -> mm.Persistence | None:
    if store not in persistence:
        return None
    return mm.Persistence(size=persistence[store], storage_class=persistence.get("storageClass"))
