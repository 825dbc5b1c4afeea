"""ServingRuntimes of one namespace, and ClusterServingRuntimes of the whole cluster.

ModelMesh Serving's controller creates the pods of each runtime, and adds the mesh and an adapter or puller to the
containers of the spec. The object has no status, so the components wait for the pods; whether they serve a model shows
in its InferenceService. Meanwhile a Job makes the mesh pods that already run read the new runtime's model types.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.annotations import PREFIX
from ..core.component import Component
from ..core.ownership import MARK, this_stack
from ..core.problem import FieldPath, Problem, raise_if_invalid
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
    """Arguments of ServingRuntime."""

    namespace: ModelNamespace
    runtime_name: str
    spec: ServingRuntimeSpec
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the object; those of its pods are in the spec."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Annotations of the object; those of its pods are in the spec."""
    ready_timeout_seconds: float = 300
    """Timeout for the start of its pods, including image pulls."""


@dataclass(frozen=True, kw_only=True)
class ClusterServingRuntimeArgs:
    """Arguments of ClusterServingRuntime."""

    installation: Installation
    namespaces: Sequence[ModelNamespace]
    """Namespaces in which the component waits for the pods."""
    runtime_name: str
    spec: ServingRuntimeSpec
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the object; those of its pods are in the spec."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Annotations of the object; those of its pods are in the spec."""
    ready_timeout_seconds: float = 300
    """Timeout for the start of its pods in each namespace, including image pulls."""


class ServingRuntime(Component):
    """A runtime of one namespace. Its outputs resolve when its pods run the images of the spec."""

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
    """A runtime for each namespace that serves models; a ServingRuntime with the same name takes precedence.

    Its outputs resolve when its pods in the given namespaces run the images of the spec.
    """

    runtime_name: pulumi.Output[str]
    declared: DeclaredRuntime

    def __init__(self, name: str, args: ClusterServingRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        metadata = _metadata(args)
        declared = _declared("ClusterServingRuntime", args, args.installation, args.namespaces)
        super().__init__("modelmesh:index:ClusterServingRuntime", name, {}, opts)
        self.declared = declared
        # The object has no namespace through which it would depend on these.
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
    """Render labels and annotations without empty maps, which would always differ from the stored object."""
    maps = {"labels": dict(args.labels), "annotations": {**args.annotations, **args.spec.metadata_annotations()}}
    return {key: value for key, value in maps.items() if value}


def _declared(
    kind: str, args: _Args, installation: Installation, namespaces: Sequence[ModelNamespace]
) -> DeclaredRuntime:
    """Check the runtime and return what it declares.

    Raises:
        InvalidSpecError: The runtime cannot work.
    """
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
        expected = "ServingRuntime, the only kind that an installation of namespace scope reads"
        problems.append(Problem(FieldPath("kind"), kind, expected))
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
    """Return the runtime's name, resolved when its pods are rolled out and all mesh pods know its model types."""
    installation = args.namespace.installation if isinstance(args, ServingRuntimeArgs) else args.installation
    # Depends on the object, so that resources which use the output are created after it.
    known = {"made": runtime.urn, "namespaces": pulumi.Output.all(*(place.ready for place in namespaces))}
    refreshed = [] if component.declared.disabled else _refreshed(name, component, runtime, args, namespaces)

    def report(text: str) -> None:
        pulumi.log.info(text, resource=component, ephemeral=True)

    async def rolled_out(known: dict[str, Any]) -> str:
        for namespace in known["namespaces"]:  # All of them start at the same time.
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
        return pulumi.Output.all(rolled_out, *(each.done for each in refreshed)).apply(lambda _: args.runtime_name)

    dry = pulumi.runtime.is_dry_run()
    if dry and args.spec.memory_plan is not None:
        pulumi.log.info(f"memory of {args.runtime_name}: {args.spec.memory_plan}", resource=component)
    # A preview does not know images that it would have to build, and a disabled runtime has no pods.
    if dry or component.declared.disabled:
        return after(pulumi.Output.all(**known).apply(lambda _: args.runtime_name))
    images = [{"name": entry["name"], "image": entry["image"]} for entry in args.spec.spec()["containers"]]
    return after(pulumi.Output.all(**known, containers=images).apply(rolled_out))


def _refreshed(
    name: str,
    component: ServingRuntime | ClusterServingRuntime,
    runtime: kubernetes.apiextensions.CustomResource,
    args: _Args,
    namespaces: Sequence[ModelNamespace],
) -> list[RefreshTypeConstraints]:
    """Create, in each namespace, the Job for mesh pods that already run."""
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
