"""A ServingRuntime for a custom MLServer image: every value that MLServer and ModelMesh have to agree on is owned here.

Each runtime's pods are made by ModelMesh Serving's controller, which adds the mesh and the adapter to the one container
that stands here. The object itself has no status, so its pods are what is waited for; whether they serve a model shows
in its InferenceService.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from .cluster import Cluster
from .invalid_spec import InvalidSpec
from .pods import container_security
from .rollout import Rollout
from .rules.runtime import mlserver_format_problems, runtime_problems
from .upstream import spec_problems

API_VERSION = "serving.kserve.io/v1alpha1"

_CONTAINER = "mlserver"  # the built-in adapter of this name looks for it
_ADAPTER_PORT = 8085
_GRPC_PORT = 8001
_ENVIRONMENT = {
    "MLSERVER_MODELS_DIR": "/models/_mlserver_models/",
    "MLSERVER_GRPC_PORT": str(_GRPC_PORT),
    "MLSERVER_HTTP_PORT": "8002",  # its default, 8080, is the mesh's
    "MLSERVER_LOAD_MODELS_AT_STARTUP": "false",
    "MLSERVER_MODEL_NAME": "dummy-model",  # MLServer cannot list models while it has none
    "MLSERVER_HOST": "127.0.0.1",  # only the mesh and the adapter, in the same pod, are to reach it
    "MLSERVER_GRPC_MAX_MESSAGE_LENGTH": "-1",  # the mesh sets the limit
    "MLSERVER_METRICS_DIR": "/tmp/metrics",  # noqa: S108  its default is the working directory, which is read-only
    "MLSERVER_ENVIRONMENTS_DIR": "/tmp/environments",  # noqa: S108  likewise
}


@dataclass(frozen=True, kw_only=True)
class ModelFormat:
    """A format that a runtime serves; ModelMesh compares versions as text."""

    name: str
    version: str | None = None
    auto_select: bool = True
    """InferenceServices that name no runtime may get this one."""

    def as_spec(self) -> dict[str, Any]:
        """The entry of `supportedModelFormats`."""
        version = {"version": self.version} if self.version is not None else {}
        return {"name": self.name, **version, "autoSelect": self.auto_select}


@dataclass(frozen=True, kw_only=True)
class ServingRuntimeArgs:
    """A custom MLServer image and what it serves. Times in seconds, sizes in bytes or as Kubernetes quantities."""

    cluster: Cluster
    namespace: pulumi.Input[str]
    """An Output of ModelMeshServing: it resolves when runtimes can be created."""
    runtime_name: str
    service_name: str
    """ModelMesh's Service; part of the name of the runtime's Deployment."""
    image: pulumi.Input[str]
    formats: Sequence[ModelFormat]
    environment: Mapping[str, str] = field(default_factory=dict)
    cpu_request: str = "500m"
    cpu_limit: str = "5"
    memory: str = "1Gi"
    """Request and limit alike: ModelMesh takes the request for the room there is for models."""
    memory_buffer_bytes: int = 128 * 2**20
    """The part of it that MLServer itself needs."""
    load_timeout_seconds: int = 90
    ready_timeout_seconds: int = 300
    """For its pods to start, images to be pulled included."""


class ServingRuntime(pulumi.ComponentResource):
    """The custom resource and its pods: both outputs resolve when the pods run the image that it names."""

    runtime_name: pulumi.Output[str]
    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: ServingRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        formats = [model_format.name for model_format in args.formats]
        offline = runtime_spec(args, "an-image")
        problems = [
            *spec_problems("ServingRuntime", offline),
            *runtime_problems(args.runtime_name, args.service_name, offline),
            *mlserver_format_problems(formats),
        ]
        if not formats:
            problems.append("spec.supportedModelFormats: empty, no model would ever be placed here")
        if problems:
            raise InvalidSpec("ServingRuntime", args.runtime_name, problems)
        super().__init__("modelmesh:index:ServingRuntime", name, {}, opts)
        runtime = kubernetes.apiextensions.CustomResource(
            name,
            api_version=API_VERSION,
            kind="ServingRuntime",
            metadata={"name": args.runtime_name, "namespace": args.namespace},
            spec=runtime_spec(args, args.image),
            opts=pulumi.ResourceOptions(parent=self),
        )

        async def rolled_out(known: dict[str, Any]) -> str:
            await self._rollout(args, str(known["namespace"]), str(known["image"])).done()
            return str(known["namespace"])

        # By way of the resource, so that whoever uses the runtime comes after it.
        made = {"made": runtime.urn, "namespace": args.namespace}
        if pulumi.runtime.is_dry_run():  # knows no image that it would have to build, and has nothing to wait for
            self.namespace = pulumi.Output.all(**made).apply(lambda known: str(known["namespace"]))
        else:
            self.namespace = pulumi.Output.all(**made, image=args.image).apply(rolled_out)
        self.runtime_name = self.namespace.apply(lambda _: args.runtime_name)
        self.register_outputs({"runtime_name": self.runtime_name})

    def _rollout(self, args: ServingRuntimeArgs, namespace: str, image: str) -> Rollout:
        def report(text: str) -> None:
            pulumi.log.info(text, resource=self, ephemeral=True)

        return Rollout(
            cluster=args.cluster,
            namespace=namespace,
            deployment=f"{args.service_name}-{args.runtime_name}",
            container=_CONTAINER,
            image=image,
            patience=args.ready_timeout_seconds,
            report=report,
        )


def runtime_spec(args: ServingRuntimeArgs, image: pulumi.Input[str]) -> dict[str, Any]:
    """The `spec` as ModelMesh Serving expects it."""
    environment = {**_ENVIRONMENT, **args.environment}
    return {
        "supportedModelFormats": [model_format.as_spec() for model_format in args.formats],
        "protocolVersions": ["grpc-v2"],
        "multiModel": True,
        "grpcEndpoint": f"port:{_ADAPTER_PORT}",
        "grpcDataEndpoint": f"port:{_GRPC_PORT}",
        "containers": [
            {
                "name": _CONTAINER,
                "image": image,
                "env": [{"name": key, "value": value} for key, value in environment.items()],
                "resources": {
                    "requests": {"cpu": args.cpu_request, "memory": args.memory},
                    "limits": {"cpu": args.cpu_limit, "memory": args.memory},
                },
                "securityContext": container_security(user=1000),
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  a mount point
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "builtInAdapter": {
            "serverType": _CONTAINER,
            "runtimeManagementPort": _GRPC_PORT,
            "memBufferBytes": args.memory_buffer_bytes,
            "modelLoadingTimeoutMillis": args.load_timeout_seconds * 1000,
        },
    }
