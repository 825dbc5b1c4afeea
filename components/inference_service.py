"""An InferenceService that is there only once its model answers; its endpoints resolve no sooner.

In a preview nothing is waited for. In every `up` it is, also where nothing changed.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from .cluster import Cluster
from .invalid_spec import InvalidSpec
from .kserve_api import InferenceServiceApi
from .readiness import Patience, Wait
from .upstream import spec_problems

_GRPC_PORT = 8033


@dataclass(frozen=True, kw_only=True)
class InferenceServiceArgs:
    """One model to be served. Times in seconds."""

    cluster: Cluster
    namespace: pulumi.Input[str]
    """That of its runtime: an Output of it, which orders the two."""
    controller_namespace: str
    service_name: str
    """ModelMesh's Service, through which the model is reached."""
    model_name: str
    """Name of the object, and of the model in requests."""
    model_format: str
    model_format_version: str | None = None
    runtime: pulumi.Input[str] | None = None
    """The one runtime to take; by default any that declares the format."""
    storage_key: str
    storage_path: pulumi.Input[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    load_timeout_seconds: int = 90
    """The runtime's own limit for loading one model."""
    ready_timeout_seconds: int = 300
    """What may pass besides: pods to start, images to pull."""


class InferenceService(pulumi.ComponentResource):
    """A served model."""

    grpc_url: pulumi.Output[str]
    """`grpc://<service>.<namespace>:8033`, as the object's own status says it."""

    def __init__(self, name: str, args: InferenceServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        if problems := spec_problems("InferenceService", inference_service_spec(args, "a-path", "a-runtime")):
            raise InvalidSpec("InferenceService", args.model_name, problems)
        super().__init__("modelmesh:index:InferenceService", name, {}, opts)
        service = kubernetes.apiextensions.CustomResource(
            name,
            api_version="serving.kserve.io/v1beta1",
            kind="InferenceService",
            metadata={
                "name": args.model_name,
                "namespace": args.namespace,
                **({"labels": dict(args.labels)} if args.labels else {}),  # an empty map would differ for ever
                "annotations": {"serving.kserve.io/deploymentMode": "ModelMesh"},
            },
            spec=inference_service_spec(args, args.storage_path, args.runtime),
            opts=pulumi.ResourceOptions(parent=self),
        )

        async def served(known: dict[str, Any]) -> str:
            namespace = str(known["namespace"])
            if not pulumi.runtime.is_dry_run():
                await self._loaded(args, namespace, known["runtime"])
            return f"grpc://{args.service_name}.{namespace}:{_GRPC_PORT}"

        known = pulumi.Output.all(written=service.urn, namespace=args.namespace, runtime=args.runtime)
        self.grpc_url = known.apply(served)
        self.register_outputs({"grpc_url": self.grpc_url})

    async def _loaded(self, args: InferenceServiceArgs, namespace: str, runtime: str | None) -> None:
        watched = await asyncio.to_thread(
            InferenceServiceApi,
            cluster=args.cluster,
            namespace=namespace,
            name=args.model_name,
            runtime=runtime,
            model_format=args.model_format,
            controller_namespace=args.controller_namespace,
        )
        patience = Patience(total=args.load_timeout_seconds + args.ready_timeout_seconds)

        def report(text: str) -> None:
            pulumi.log.info(text, resource=self, ephemeral=True)

        await Wait(name=args.model_name, watched=watched, patience=patience, report=report).loaded()


def inference_service_spec(
    args: InferenceServiceArgs, path: pulumi.Input[str], runtime: pulumi.Input[str] | None
) -> dict[str, Any]:
    """The `spec` as ModelMesh Serving expects it."""
    version = {"version": args.model_format_version} if args.model_format_version is not None else {}
    return {
        "predictor": {
            "model": {
                "modelFormat": {"name": args.model_format, **version},
                **({"runtime": runtime} if runtime is not None else {}),
                "storage": {"key": args.storage_key, "path": path},
            }
        }
    }
