"""ServingRuntimes, of one namespace or of the whole cluster, from specs that were checked before.

Each runtime's pods are made by ModelMesh Serving's controller, which adds the mesh and an adapter or puller to the
containers of the spec. The object itself has no status, so its pods are what is waited for; whether they serve a model
shows in its InferenceService. Meanwhile the mesh pods that run already are told of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.annotations import PREFIX
from ..core.component import Component
from ..core.ownership import MARK, this_stack
from ..core.problem import raise_if_invalid
from ..core.rendering import Document, with_placeholders
from ..installation.declared_runtime import DeclaredRuntime
from ..installation.installation import Installation
from ..installation.model_namespace import ModelNamespace
from ..stores.storage import PvcStorage
from ..upstream import spec_problems
from .annotation_rules import collisions
from .refresh_type_constraints import RefreshTypeConstraints, RefreshTypeConstraintsArgs
from .rollout import Rollout
from .runtime_rules import runtime_problems
from .serving_runtime_spec import ServingRuntimeSpec

API_VERSION = f"{PREFIX}v1alpha1"


@dataclass(frozen=True, kw_only=True)
class ServingRuntimeArgs:
    """One runtime in one namespace."""

    namespace: ModelNamespace
    runtime_name: str
    spec: ServingRuntimeSpec
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the object; those of its pods are in the spec."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Likewise."""
    ready_timeout_seconds: float = 300
    """For its pods to start, images to be pulled included."""


@dataclass(frozen=True, kw_only=True)
class ClusterServingRuntimeArgs:
    """One runtime for every namespace that serves models; a ServingRuntime of the same name goes before it."""

    installation: Installation
    namespaces: Sequence[ModelNamespace]
    """Those whose pods are waited for."""
    runtime_name: str
    spec: ServingRuntimeSpec
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the object; those of its pods are in the spec."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Likewise."""
    ready_timeout_seconds: float = 300
    """For its pods to start in each namespace, images to be pulled included."""


class ServingRuntime(Component):
    """The custom resource and its pods: the output resolves when the pods run the images of its spec."""

    runtime_name: pulumi.Output[str]
    declared: DeclaredRuntime

    def __init__(self, name: str, args: ServingRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        metadata = _metadata(args)
        declared = _declared("ServingRuntime", args, args.namespace.installation, [args.namespace])
        super().__init__("modelmesh:index:ServingRuntime", name, {}, opts)
        self.declared = declared
        runtime = kubernetes.apiextensions.CustomResource(
            name,
            api_version=API_VERSION,
            kind="ServingRuntime",
            metadata={"name": args.runtime_name, "namespace": args.namespace.ready, **metadata},
            spec=args.spec.spec(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.runtime_name = _rolled_out(name, self, runtime, args, [args.namespace])
        self.register_outputs({"runtime_name": self.runtime_name})


class ClusterServingRuntime(Component):
    """The custom resource and its pods: the output resolves when those in all the namespaces run its images."""

    runtime_name: pulumi.Output[str]
    declared: DeclaredRuntime

    def __init__(self, name: str, args: ClusterServingRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        metadata = _metadata(args)
        declared = _declared("ClusterServingRuntime", args, args.installation, args.namespaces)
        super().__init__("modelmesh:index:ClusterServingRuntime", name, {}, opts)
        self.declared = declared
        # It has no namespace that could tell it to wait for them.
        admitted = pulumi.Output.all(args.installation.admitting, *(place.ready for place in args.namespaces))
        annotations = {**metadata.get("annotations", {}), MARK: this_stack()}
        runtime = kubernetes.apiextensions.CustomResource(
            name,
            api_version=API_VERSION,
            kind="ClusterServingRuntime",
            metadata={"name": admitted.apply(lambda _: args.runtime_name), **metadata, "annotations": annotations},
            spec=args.spec.spec(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.runtime_name = _rolled_out(name, self, runtime, args, args.namespaces)
        self.register_outputs({"runtime_name": self.runtime_name})


_Args = ServingRuntimeArgs | ClusterServingRuntimeArgs


def _metadata(args: _Args) -> dict[str, dict[str, str]]:
    """Labels and annotations; an empty map would differ for ever from what the API server stores."""
    maps = {"labels": dict(args.labels), "annotations": {**args.annotations, **args.spec.metadata_annotations()}}
    return {key: value for key, value in maps.items() if value}


def _declared(
    kind: str, args: _Args, installation: Installation, namespaces: Sequence[ModelNamespace]
) -> DeclaredRuntime:
    """What the runtime promises. Raises InvalidSpecError with every reason why it could not work."""
    metadata: Document = {"name": args.runtime_name, **_metadata(args)}
    if isinstance(args, ServingRuntimeArgs):
        metadata["namespace"] = args.namespace.namespace_name
    document: Document = {"kind": kind, "metadata": metadata, "spec": with_placeholders(args.spec.spec())}
    problems = [
        *collisions(args.annotations, args.spec.metadata_annotations()),
        *spec_problems(kind, document["spec"]),
        *runtime_problems(document, installation.config, _claims(namespaces)),
    ]
    if kind == "ClusterServingRuntime" and installation.scope == "namespace":
        problems.append(
            "kind: 'ClusterServingRuntime', expected a ServingRuntime: one of namespace scope knows no other"
        )
    raise_if_invalid(kind, args.runtime_name, problems)
    return DeclaredRuntime.of(document)


def _claims(namespaces: Sequence[ModelNamespace]) -> set[str]:
    entries = [entry for place in namespaces if isinstance(place.storage, Mapping) for entry in place.storage.values()]
    claims = [entry.claim_name for entry in entries if isinstance(entry, PvcStorage)]
    return {claim for claim in claims if isinstance(claim, str)}


def _rolled_out(
    name: str,
    component: ServingRuntime | ClusterServingRuntime,
    runtime: kubernetes.apiextensions.CustomResource,
    args: _Args,
    namespaces: Sequence[ModelNamespace],
) -> pulumi.Output[str]:
    """Its name; resolves when its pods in each of the namespaces run the images of its spec, and all others know it."""
    installation = args.namespace.installation if isinstance(args, ServingRuntimeArgs) else args.installation
    # By way of the resource, so that whoever uses the runtime comes after it.
    known = {"made": runtime.urn, "namespaces": pulumi.Output.all(*(place.ready for place in namespaces))}
    seen = [] if component.declared.disabled else _seen(name, component, runtime, args, namespaces)

    def report(text: str) -> None:
        pulumi.log.info(text, resource=component, ephemeral=True)

    async def rolled_out(known: dict[str, Any]) -> str:
        for namespace in known["namespaces"]:  # they start side by side, whoever is asked for first
            await Rollout(
                cluster=installation.cluster,
                namespace=namespace,
                deployment=f"{installation.config.service_name}-{args.runtime_name}",
                images={container["name"]: container["image"] for container in known["containers"]},
                config_namespace=installation.namespace_name,
                timeout_seconds=args.ready_timeout_seconds,
                report=report,
            ).done()
        return args.runtime_name

    def after(rolled_out: pulumi.Output[str]) -> pulumi.Output[str]:
        return pulumi.Output.all(rolled_out, *(each.done for each in seen)).apply(lambda _: args.runtime_name)

    dry = pulumi.runtime.is_dry_run()
    if dry and args.spec.memory_plan is not None:
        pulumi.log.info(f"memory of {args.runtime_name}: {args.spec.memory_plan}", resource=component)
    # A preview knows no image that it would have to build, and a runtime that is disabled gets no pods.
    if dry or component.declared.disabled:
        return after(pulumi.Output.all(**known).apply(lambda _: args.runtime_name))
    images = [{"name": entry["name"], "image": entry["image"]} for entry in args.spec.spec()["containers"]]
    return after(pulumi.Output.all(**known, containers=images).apply(rolled_out))


def _seen(
    name: str,
    component: ServingRuntime | ClusterServingRuntime,
    runtime: kubernetes.apiextensions.CustomResource,
    args: _Args,
    namespaces: Sequence[ModelNamespace],
) -> list[RefreshTypeConstraints]:
    """That mesh pods which run already hear of it, in each namespace, while its own start."""
    return [
        RefreshTypeConstraints(
            f"{name}-constraints" + (f"-{place.namespace_name}" if isinstance(args, ClusterServingRuntimeArgs) else ""),
            RefreshTypeConstraintsArgs(
                runtime=component.declared,
                namespace=pulumi.Output.all(place.ready, runtime.urn).apply(lambda known: str(known[0])),
                account=place.constraints_account,
                config=place.installation.config,
                ready_timeout_seconds=args.ready_timeout_seconds,
            ),
            pulumi.ResourceOptions(parent=component),
        )
        for place in namespaces
    ]
