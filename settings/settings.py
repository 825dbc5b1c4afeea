"""Arguments of the stack's components, built from its checked configuration."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import TolerationArgs

import components as mm

from .keys import snake
from .stand_in import stand_in_labels

_MOST_NAMES = 20


class Settings:
    """The arguments of each component; the attributes are what several of them share.

    `values` has all keys of `Pulumi.yaml`, which describes them; the additional models are entries with name and path.
    """

    def __init__(self, values: Mapping[str, Any], more_models: Collection[Mapping[str, str]] = ()) -> None:
        v = self.values = values
        self.more_models = more_models
        self.namespace: str = v["namespace"]
        self.model_namespace: str = v["modelNamespace"] or v["namespace"]
        self.runtime_name: str = v["runtimeName"]
        self.inference_service: str = v["inferenceService"]
        self.storage_key: str = v["storageKey"]
        self.cluster = mm.Cluster(kubeconfig=v["kubeconfig"], context=v["context"])
        self.build = _build(v)
        self.images = mm.Images.of(v["images"], registry=v["imageRegistry"])
        self.serving = mm.ServingConfig(
            images=self.images,
            pods_per_runtime=v["podsPerRuntime"],
            rest_proxy=mm.installation.RestProxy(enabled=v["restProxy"]),
            scale_to_zero=mm.installation.ScaleToZero(enabled=v["scaleToZero"]),
            mesh_resources=_resources(v["meshResources"]) if v["meshResources"] else None,
            adapter_resources=_resources(v["adapterResources"]),
            max_message_bytes=v["maxMessageBytes"],
            pod_labels=stand_in_labels(self.images),
            image_pull_secrets=[_pull_secret(entry) for entry in v["pullSecrets"]],
        )
        self.s3 = mm.S3Storage(bucket=v["bucket"], **_fields(v["s3"])) if v["s3"] else None
        """None: a MinIO in the cluster."""
        etcd = {"root_prefix": v["namespace"], **_fields(v["etcd"])}
        self.outside_etcd = mm.stores.EtcdConnection(**etcd) if v["etcd"] else None
        """None: an etcd in the cluster."""

    def model_names(self) -> str:
        """Names of the models, one a line; of many, which every update prints, only the first."""
        names = [self.inference_service, *(model["name"] for model in self.more_models)]
        more = [f"and {len(names) - _MOST_NAMES:,} more"] if len(names) > _MOST_NAMES else []
        return "\n".join([*names[:_MOST_NAMES], *more])

    def guard(self) -> mm.ClusterGuardArgs:
        """Arguments of the guard: cluster-wide objects that the stack is going to create."""
        namespaces = list(dict.fromkeys([self.namespace, self.model_namespace]))
        exist = self.values["namespacesExist"]
        return mm.ClusterGuardArgs(
            cluster=self.cluster,
            namespace_names=[] if exist else namespaces,
            existing_namespaces=namespaces if exist else [],
            controller_namespace=self.namespace,
            scope=self.values["scope"],
            definitions=self.values["customResourceDefinitions"],
        )

    def runtime_image(self) -> mm.BuiltImage | mm.images.PromotedImage:
        """The model server's image."""
        if promoted := self.values["runtimeImage"]:
            return mm.images.PromotedImage(ref=promoted)
        sources = {"": "runtime_src", "runtime": self.values["runtimeSource"]}
        return mm.BuiltImage(build=self.build, sources=sources, repository=self.runtime_name)

    def controller_namespace(self) -> mm.NamespaceArgs:
        """The namespace of the controller and its stores."""
        return mm.NamespaceArgs(
            namespace=self.namespace,
            serves_models=self.model_namespace == self.namespace,
            exists=self.values["namespacesExist"],
            protect=self.values["protect"],
        )

    def etcd(self, *, namespace: pulumi.Input[str]) -> mm.EtcdArgs:
        """The registry of models."""
        return mm.EtcdArgs(
            namespace=namespace,
            image=str(self.images.etcd),
            root_prefix=self.namespace,
            persistence=self._persistence("etcd"),
            image_pull_secrets=self._pull_secrets(),
        )

    def minio(self, *, namespace: pulumi.Input[str]) -> mm.MinioArgs:
        """The store of models."""
        return mm.MinioArgs(
            namespace=namespace,
            image=str(self.images.minio),
            bucket=self.values["bucket"],
            persistence=self._persistence("minio"),
            image_pull_secrets=self._pull_secrets(),
        )

    def installation(self, *, namespace: pulumi.Input[str], etcd: mm.stores.EtcdConnection) -> mm.ModelMeshServingArgs:
        """Arguments of the ModelMesh Serving installation."""
        tls = self.values["tls"]
        return mm.ModelMeshServingArgs(
            cluster=self.cluster,
            namespace=namespace,
            namespace_name=self.namespace,
            model_namespaces=[self.model_namespace],
            scope=self.values["scope"],
            etcd=etcd,
            config=self.serving,
            controller=mm.installation.Controller(replicas=self.values["controllerReplicas"]),
            webhook_certificate=self.values["webhookCertificate"],
            built_in_runtimes=self.values["builtInRuntimes"],
            definitions=self.values["customResourceDefinitions"],
            tls=mm.installation.DataPlaneTls(**_fields(tls, without="enabled")) if tls.get("enabled") else None,
        )

    def models(self, installation: mm.installation.Installation, *, storage: mm.S3Storage) -> mm.ModelNamespaceArgs:
        """The namespace that models are served in, with that store under the storage key."""
        return mm.ModelNamespaceArgs(
            installation=installation,
            namespace=self.model_namespace,
            storage={self.storage_key: storage},
            exists=self.values["namespacesExist"] and self.model_namespace != self.namespace,
            protect=self.values["protect"],
        )

    def model(self, *, namespace: pulumi.Input[str], storage: mm.S3Storage) -> mm.ModelArtifactArgs:
        """The model's files in that store."""
        v = self.values
        promoted = mm.stores.PromotedModel(image=v["modelImage"], digest=v["modelDigest"]) if v["modelImage"] else None
        return mm.ModelArtifactArgs(
            namespace=namespace,
            model_name=v["modelName"],
            files=promoted or self._model_files(),
            storage=storage,
            cluster=self.cluster,
            keep_published=self.s3 is None,
            image_pull_secrets=self._pull_secrets(),
        )

    def runtime(self, *, namespace: mm.installation.ServedNamespace, image: pulumi.Input[str]) -> mm.ServingRuntimeArgs:
        """The custom runtime.

        Raises:
            InvalidSpecError: It cannot work with any image.
        """
        v = self.values
        spec = mm.mlserver_runtime(
            image=image,
            formats=[mm.ModelFormat(name=v["modelFormat"], version=v["modelFormatVersion"])],
            cpu_request=v["runtimeCpuRequest"],
            cpu_limit=v["runtimeCpuLimit"],
            memory=v["runtimeMemory"],
            load_timeout_seconds=v["loadTimeoutSeconds"],
            environment={
                name: mm.runtimes.SecretKey(**value) if isinstance(value, dict) else value
                for name, value in v["runtimeEnvironment"].items()
            },
            gpus=v["runtimeGpus"],
            shared_memory=v["runtimeSharedMemory"] or None,
            node_selector=v["runtimeNodeSelector"],
            tolerations=[TolerationArgs(**_fields(entry)) for entry in v["runtimeTolerations"]],
            max_message_bytes=v["maxMessageBytes"],
        )
        return mm.ServingRuntimeArgs(
            namespace=namespace,
            runtime_name=self.runtime_name,
            spec=spec,
            ready_timeout_seconds=v["readyTimeoutSeconds"],
        )

    def service(
        self,
        *,
        namespace: mm.installation.ServedNamespace,
        runtime: mm.ServingRuntime | mm.installation.DeclaredRuntime,
        path: pulumi.Input[str],
        image: pulumi.Input[str],
    ) -> mm.InferenceServiceArgs:
        """The model on that runtime, whose image asks for golden predictions."""
        return mm.InferenceServiceArgs(
            namespace=namespace,
            runtimes=[runtime],
            model_name=self.inference_service,
            model_format=self.values["modelFormat"],
            runtime=self.runtime_name,
            storage=mm.ModelPath(path=path, key=self.storage_key),
            ready_timeout_seconds=self.values["readyTimeoutSeconds"],
            golden=self._golden(image),
        )

    def runtime_gate(
        self, *, runtime: mm.ServingRuntimeArgs, path: pulumi.Input[str], image: pulumi.Input[str]
    ) -> mm.services.RuntimeGateArgs | None:
        """The gate before the runtime; None without golden predictions."""
        service = self.service(namespace=runtime.namespace, runtime=runtime.planned(), path=path, image=image)
        return mm.services.RuntimeGateArgs(service=service, runtime=runtime) if service.golden else None

    def more_services(self, first: mm.InferenceServiceArgs) -> mm.InferenceServicesArgs:
        """The additional models, like the first one but for the name and, if an entry has one, the path."""
        return mm.InferenceServicesArgs(
            services=[
                replace(
                    first,
                    model_name=model["name"],
                    golden=None,
                    storage=mm.ModelPath(path=model["path"], key=self.storage_key)
                    if model.get("path")
                    else first.storage,
                )
                for model in self.more_models
            ]
        )

    def _golden(self, image: pulumi.Input[str]) -> mm.services.GoldenPredictions | None:
        v = self.values
        if not v["goldenPredictions"]:
            return None
        size = None if v["modelImage"] else self._model_files().size_bytes()
        return mm.services.GoldenPredictions(folder=v["goldenPredictions"], image=image, model_bytes=size)

    def _model_files(self) -> mm.ModelFiles:
        return mm.ModelFiles(source=self.values["modelSource"], build=self.build)

    def _persistence(self, store: str) -> mm.stores.Persistence | None:
        sizes = self.values["persistence"]
        if store not in sizes:
            return None
        return mm.stores.Persistence(
            size=sizes[store], storage_class=sizes.get("storageClass"), protect=self.values["protect"]
        )

    def _pull_secrets(self) -> list[str]:
        return [secret["name"] for secret in self.values["pullSecrets"]]


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
            if user
            else None
        ),
    )


def _pull_secret(entry: Mapping[str, str]) -> mm.images.ImagePullSecret:
    user = {field: entry.get(field, "") for field in ("registry", "username", "password")}
    return mm.images.ImagePullSecret(
        name=entry["name"], credentials=[mm.images.RegistryCredentials(**user)] if any(user.values()) else ()
    )


def _resources(resources: Mapping[str, Mapping[str, str]]) -> mm.installation.Resources:
    return mm.installation.Resources(requests=resources.get("requests", {}), limits=resources.get("limits", {}))


def _fields(record: Mapping[str, Any], *, without: str = "") -> dict[str, Any]:
    return {snake(key): value for key, value in record.items() if key != without}
