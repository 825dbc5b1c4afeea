"""Configuration of the stack as one frozen record, and the arguments of the components."""

from dataclasses import dataclass, replace
from pathlib import Path

import pulumi

import components as mm
from components.installation import Definitions, Issuer, Scope

from .models import Model


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one stack, grouped as the components take it; `Pulumi.yaml` describes each key."""

    cluster: mm.Cluster
    namespace: str
    model_namespace: str
    namespaces_exist: bool
    definitions: Definitions
    protect: bool
    scope: Scope
    promoted_image: mm.images.PromotedImage | None
    promoted_model: mm.stores.PromotedModel | None
    build: mm.BuildArgs
    images: mm.Images
    serving: mm.ServingConfig
    controller: mm.installation.Controller
    webhook_certificate: Issuer
    built_in_runtimes: tuple[mm.installation.BuiltInRuntime, ...]
    tls: mm.installation.DataPlaneTls | None
    dashboard: bool
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
    more_models: tuple[Model, ...]
    """Additional models on the same runtime."""
    ready_timeout_seconds: int
    storage_key: str
    bucket: str
    s3: mm.S3Storage | None
    """None: a MinIO in the cluster."""
    outside_etcd: mm.stores.EtcdConnection | None
    """None: an etcd in the cluster."""
    etcd_persistence: mm.stores.Persistence | None
    minio_persistence: mm.stores.Persistence | None

    def guard(self) -> mm.ClusterGuardArgs:
        """Arguments of the guard: cluster-wide objects that the stack is going to create."""
        namespaces = list(dict.fromkeys([self.namespace, self.model_namespace]))
        return mm.ClusterGuardArgs(
            cluster=self.cluster,
            namespace_names=[] if self.namespaces_exist else namespaces,
            existing_namespaces=namespaces if self.namespaces_exist else [],
            controller_namespace=self.namespace,
            scope=self.scope,
            definitions=self.definitions,
        )

    def runtime_image(self) -> mm.BuiltImage | mm.images.PromotedImage:
        """The model server's image."""
        built = mm.BuiltImage(
            build=self.build, sources={"": "runtime_src", "runtime": self.runtime_source}, repository=self.runtime_name
        )
        return self.promoted_image or built

    def controller_namespace(self) -> mm.NamespaceArgs:
        """The namespace of the controller and its stores."""
        return mm.NamespaceArgs(
            namespace=self.namespace,
            serves_models=self.model_namespace == self.namespace,
            exists=self.namespaces_exist,
            protect=self.protect,
        )

    def etcd(self, *, namespace: pulumi.Input[str]) -> mm.EtcdArgs:
        """The registry of models."""
        return mm.EtcdArgs(
            namespace=namespace,
            image=str(self.images.etcd),
            root_prefix=self.namespace,
            persistence=self.etcd_persistence,
            image_pull_secrets=self._pull_secrets(),
        )

    def minio(self, *, namespace: pulumi.Input[str]) -> mm.MinioArgs:
        """The store of models."""
        return mm.MinioArgs(
            namespace=namespace,
            image=str(self.images.minio),
            bucket=self.bucket,
            persistence=self.minio_persistence,
            image_pull_secrets=self._pull_secrets(),
        )

    def installation(self, *, namespace: pulumi.Input[str], etcd: mm.stores.EtcdConnection) -> mm.ModelMeshServingArgs:
        """Arguments of the ModelMesh Serving installation."""
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
            definitions=self.definitions,
            tls=self.tls,
            dashboard=self.dashboard,
        )

    def models(self, installation: mm.installation.Installation, *, storage: mm.S3Storage) -> mm.ModelNamespaceArgs:
        """The namespace that models are served in, with that store under the storage key."""
        return mm.ModelNamespaceArgs(
            installation=installation,
            namespace=self.model_namespace,
            storage={self.storage_key: storage},
            exists=self.namespaces_exist and self.model_namespace != self.namespace,
            protect=self.protect,
        )

    def model(self, *, namespace: pulumi.Input[str], storage: mm.S3Storage) -> mm.ModelArtifactArgs:
        """The model's files in that store."""
        return mm.ModelArtifactArgs(
            namespace=namespace,
            model_name=self.model_name,
            files=self.promoted_model or mm.ModelFiles(source=self.model_source, build=self.build),
            storage=storage,
            cluster=self.cluster,
            keep_published=self.s3 is None,
            image_pull_secrets=self._pull_secrets(),
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
        """Spec of the ServingRuntime.

        Raises:
            InvalidSpecError: It cannot work with any image.
        """
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

    def more_services(
        self, *, namespace: mm.ModelNamespace, runtime: mm.ServingRuntime, path: pulumi.Input[str]
    ) -> mm.InferenceServicesArgs:
        """Arguments of the additional models on that runtime; `path` is their default path in the bucket."""
        own = self.service(namespace=namespace, runtime=runtime, path=path)
        return mm.InferenceServicesArgs(
            services=[
                replace(
                    own,
                    model_name=model.name,
                    storage=mm.ModelPath(path=model.path or path, key=self.storage_key),
                )
                for model in self.more_models
            ]
        )

    def _pull_secrets(self) -> list[str]:
        return [secret.name for secret in self.serving.image_pull_secrets]
