"""Base class of all components, which configures how their objects are applied to the cluster.

Server-side apply records which manager set which field. By default the provider generates a manager for each object and
keeps it in the stack's state. An update that is killed before that is written leaves an object whose fields belong to
an unknown manager, and every later update fails with a conflict. Here the manager is always the stack's, so the next
update continues where a killed one ended: it also removes fields that only the killed one has set.
"""

import copy
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from .ownership import MARK, SHARED, this_stack

FIELD_MANAGER = "pulumi.com/patchFieldManager"
FORCE = "pulumi.com/patchForce"
_LONGEST_MANAGER = 128  # characters, by Kubernetes' validation of `fieldManager`


class Component(pulumi.ComponentResource):
    """A component whose Kubernetes objects are applied under the stack's own field manager."""

    def __init__(
        self,
        t: str,
        name: str,
        props: Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if not isinstance(opts and opts.parent, Component):  # whose transformations reach this one
            own = pulumi.ResourceOptions(transformations=[_applied])
            opts = pulumi.ResourceOptions.merge(opts, own)
        super().__init__(t, name, props, opts)


def _applied(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Name the field manager of an object, and let it override others where the object is the stack's own."""
    if not args.type_.startswith("kubernetes:"):
        return None
    # Manual changes are reverted. Only fields that the program sets are applied: replicas that an autoscaler sets and a
    # CA bundle that cert-manager injects are not among them. Objects of another owner that are only patched keep their
    # owner's values; a conflict there ends the update.
    force = not args.type_.endswith("Patch")
    metadata = _annotated(args.props.get("metadata") or {}, force=force)
    return pulumi.ResourceTransformationResult({**args.props, "metadata": metadata}, args.opts)


def _annotated(metadata: Any, *, force: bool) -> Any:
    if isinstance(metadata, Mapping):  # merged at the top, since one unknown value inside makes an Output all unknown
        return {**metadata, "annotations": _merged(metadata.get("annotations") or {}, force=force)}
    if isinstance(metadata, ObjectMetaArgs):
        changed = copy.copy(metadata)
        changed.annotations = _merged(metadata.annotations or {}, force=force)
        return changed
    return pulumi.Output.from_input(metadata).apply(lambda known: _annotated(known, force=force))


def _merged(annotations: Any, *, force: bool) -> Any:
    if not isinstance(annotations, Mapping):
        return pulumi.Output.from_input(annotations).apply(lambda known: _merged(known or {}, force=force))
    # All stacks that share an object apply it under one name, or each would see the other's as a change.
    owner = SHARED if annotations.get(MARK) == SHARED else this_stack()
    manager = {FIELD_MANAGER: f"pulumi/{owner}"[:_LONGEST_MANAGER]}
    return {**annotations, **manager, **({FORCE: "true"} if force else {})}
