"""ServingRuntimes of one namespace, and ClusterServingRuntimes of the whole cluster.

ModelMesh Serving's controller creates the pods of each runtime, and adds the mesh and an adapter or puller to the
containers of the spec. The object has no status, so the components wait for the pods; whether they serve a model shows
in its InferenceService. Meanwhile a Job makes the mesh pods that already run read the new runtime's model types.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.annotations import PREFIX
from ..core.component import Component
from ..core.ownership import MARK, this_stack
from ..core.problem import FieldPath, Problem, raise_if_invalid
from ..core.rendering import Document, with_placeholders
from ..installation.declared_runtime import DeclaredRuntime
from ..installation.installation import Installation
from ..installation.model_namespace import ServedNamespace
from ..stores.storage import PvcStorage
from ..upstream import spec_problems
from .annotation_rules import collisions
from .refresh_type_constraints import RefreshTypeConstraints, RefreshTypeConstraintsArgs
from .rollout import Rollout
from .runtime_rules import runtime_problems
from .serving_runtime_spec import ServingRuntimeSpec

API_VERSION = f"{PREFIX}v1alpha1"


@dataclass(frozen=True, kw_only=True)
class _RuntimeArgs(ABC):
    """Arguments of both kinds of runtimes."""

    kind: ClassVar[str]
    runtime_name: str
    spec: ServingRuntimeSpec
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the object; those of its pods are in the spec."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Annotations of the object; those of its pods are in the spec."""
    ready_timeout_seconds: float = 300
    """Timeout for the start of its pods in each namespace, including image pulls."""

    @abstractmethod
    def location(self) -> tuple[Installation, Sequence[ServedNamespace]]:
        """Return the installation, and the namespaces in which the component waits for the pods."""

    def object_metadata(self) -> dict[str, dict[str, str]]:
        """Render labels and annotations without empty maps, which would always differ from the stored object."""
        maps = {"labels": dict(self.labels), "annotations": {**self.annotations, **self.spec.metadata_annotations()}}
        return {key: value for key, value in maps.items() if value}

    def planned(self) -> DeclaredRuntime:
        """Return what the runtime declares."""
        plan = self.spec.memory_plan
        return replace(DeclaredRuntime.of(self._document()), planned_model_bytes=plan.model_bytes if plan else None)

    def problems(self) -> Iterator[Problem]:
        """Check the object that the arguments render to."""
        (installation, namespaces), document = self.location(), self._document()
        yield from collisions(self.annotations, self.spec.metadata_annotations())
        yield from spec_problems(self.kind, document["spec"])
        yield from runtime_problems(document, installation.config, _claims(namespaces))

    def _document(self) -> Document:
        metadata: Document = {"name": self.runtime_name, **self.object_metadata()}
        if self.kind == "ServingRuntime":
            metadata["namespace"] = self.location()[1][0].namespace_name
        return {"kind": self.kind, "metadata": metadata, "spec": with_placeholders(self.spec.spec())}


@dataclass(frozen=True, kw_only=True)
class ServingRuntimeArgs(_RuntimeArgs):
    """Arguments of ServingRuntime."""

    kind = "ServingRuntime"
    namespace: ServedNamespace
    after: Sequence[pulumi.Resource] = ()
    """Resources before which the runtime does not change, like a RuntimeGate."""

    def location(self) -> tuple[Installation, Sequence[ServedNamespace]]:
        """Return the namespace and its installation."""
        return self.namespace.installation, [self.namespace]


@dataclass(frozen=True, kw_only=True)
class ClusterServingRuntimeArgs(_RuntimeArgs):
    """Arguments of ClusterServingRuntime."""

    kind = "ClusterServingRuntime"
    installation: Installation
    namespaces: Sequence[ServedNamespace]
    """Namespaces in which the component waits for the pods."""

    def location(self) -> tuple[Installation, Sequence[ServedNamespace]]:
        """Return the installation and the namespaces."""
        return self.installation, self.namespaces

    def problems(self) -> Iterator[Problem]:
        """Check the object, and that the installation reads objects of this kind."""
        yield from super().problems()
        if self.installation.scope == "namespace":
            expected = "ServingRuntime, the only kind that an installation of namespace scope reads"
            yield Problem(FieldPath("kind"), self.kind, expected)


class ServingRuntime(Component):
    """A runtime of one namespace. Its outputs resolve when its pods run the images of the spec."""

    runtime_name: pulumi.Output[str]
    declared: DeclaredRuntime

    def __init__(self, name: str, args: ServingRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("ServingRuntime", args.runtime_name, args.problems())
        super().__init__("modelmesh:index:ServingRuntime", name, {}, opts)
        self.declared = args.planned()
        metadata = {**args.object_metadata(), "name": args.runtime_name, "namespace": args.namespace.ready}
        self.runtime_name = _rolled_out(name, self, args, metadata, args.after)
        self.register_outputs({"runtime_name": self.runtime_name})


class ClusterServingRuntime(Component):
    """A runtime for each namespace that serves models; a ServingRuntime with the same name takes precedence.

    Its outputs resolve when its pods in the given namespaces run the images of the spec.
    """

    runtime_name: pulumi.Output[str]
    declared: DeclaredRuntime

    def __init__(self, name: str, args: ClusterServingRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("ClusterServingRuntime", args.runtime_name, args.problems())
        super().__init__("modelmesh:index:ClusterServingRuntime", name, {}, opts)
        self.declared = args.planned()
        # The object has no namespace through which it would depend on these.
        admitted = pulumi.Output.all(args.installation.admitting, *(place.ready for place in args.namespaces))
        metadata: dict[str, Any] = args.object_metadata()
        metadata["name"] = admitted.apply(lambda _: args.runtime_name)
        metadata["annotations"] = {**metadata.get("annotations", {}), MARK: this_stack()}
        self.runtime_name = _rolled_out(name, self, args, metadata)
        self.register_outputs({"runtime_name": self.runtime_name})


def _rolled_out(
    name: str,
    component: ServingRuntime | ClusterServingRuntime,
    args: _RuntimeArgs,
    metadata: Mapping[str, Any],
    after: Sequence[pulumi.Resource] = (),
) -> pulumi.Output[str]:
    """Create the object; return its name, resolved when its pods are rolled out and mesh pods know its model types."""
    installation, namespaces = args.location()
    runtime = kubernetes.apiextensions.CustomResource(
        name,
        api_version=API_VERSION,
        kind=args.kind,
        metadata=metadata,
        spec=args.spec.spec(),
        opts=pulumi.ResourceOptions(parent=component, depends_on=list(after)),
    )
    # Depends on the object, so that resources which use the output are created after it.
    known = {"made": runtime.urn, "namespaces": pulumi.Output.all(*(place.ready for place in namespaces))}
    refreshed = [] if component.declared.disabled else _refreshed(name, component, runtime, args)

    async def rolled_out(known: dict[str, Any]) -> None:
        for namespace in known["namespaces"]:  # All of them start at the same time.
            await Rollout(
                cluster=installation.cluster,
                namespace=namespace,
                deployment=f"{installation.config.service_name}-{args.runtime_name}",
                containers=known["containers"],
                config_namespace=installation.namespace_name,
                timeout_seconds=args.ready_timeout_seconds,
                report=component.report,
            ).done()

    dry = pulumi.runtime.is_dry_run()
    if dry and args.spec.memory_plan is not None:
        pulumi.log.info(f"memory of {args.runtime_name}: {args.spec.memory_plan}", resource=component)
    # A preview does not know images that it would have to build, and a disabled runtime has no pods.
    if dry or component.declared.disabled:
        done = pulumi.Output.all(**known).apply(lambda _: None)
    else:
        containers = args.spec.spec()["containers"]  # whose variables may be secrets
        done = pulumi.Output.unsecret(pulumi.Output.all(**known, containers=containers)).apply(rolled_out)
    return pulumi.Output.all(done, *(each.done for each in refreshed)).apply(lambda _: args.runtime_name)


def _refreshed(
    name: str,
    component: ServingRuntime | ClusterServingRuntime,
    runtime: kubernetes.apiextensions.CustomResource,
    args: _RuntimeArgs,
) -> list[RefreshTypeConstraints]:
    """Create, in each namespace, the Job for mesh pods that already run."""
    return [
        RefreshTypeConstraints(
            f"{name}-constraints" + (f"-{place.namespace_name}" if component.declared.namespace is None else ""),
            RefreshTypeConstraintsArgs(
                runtime=component.declared,
                namespace=pulumi.Output.all(place.ready, runtime.urn).apply(lambda known: str(known[0])),
                account=place.constraints_account,
                config=place.installation.config,
                ready_timeout_seconds=args.ready_timeout_seconds,
            ),
            pulumi.ResourceOptions(parent=component),
        )
        for place in args.location()[1]
    ]


def _claims(namespaces: Sequence[ServedNamespace]) -> set[str]:
    entries = [entry for place in namespaces if isinstance(place.storage, Mapping) for entry in place.storage.values()]
    return {with_placeholders(entry.claim_name) for entry in entries if isinstance(entry, PvcStorage)}
