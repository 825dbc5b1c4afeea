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

from .ownership import this_stack

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
        own = pulumi.ResourceOptions(transformations=[_applied])
        super().__init__(t, name, props, pulumi.ResourceOptions.merge(opts, own))

    def report(self, text: str) -> None:
        """Show a line of progress, in place of the previous one."""
        pulumi.log.info(text, resource=self, ephemeral=True)


def _applied(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Name the field manager of an object, and let it override others where the object is the stack's own."""
    if not args.type_.startswith("kubernetes:"):
        return None
    kind = args.type_.rpartition(":")[2]
    annotations = {}
    # The provider replaces definitions as a whole, which never conflicts. It could not release the fields that another
    # manager applied: a definition without them is invalid, and the update fails.
    if kind != "CustomResourceDefinition":
        annotations[FIELD_MANAGER] = f"pulumi/{this_stack()}"[:_LONGEST_MANAGER]
    # Manual changes are reverted. Only fields that the program sets are applied: replicas that an autoscaler sets and a
    # CA bundle that cert-manager injects are not among them. Objects of another owner that are only patched keep their
    # owner's values; a conflict there ends the update.
    if not kind.endswith("Patch"):
        annotations[FORCE] = "true"
    metadata = _annotated(args.props.get("metadata") or {}, annotations)
    return pulumi.ResourceTransformationResult({**args.props, "metadata": metadata}, args.opts)


def _annotated(metadata: Any, added: Mapping[str, str]) -> Any:
    if isinstance(metadata, Mapping):  # merged at the top, since one unknown value inside makes an Output all unknown
        return {**metadata, "annotations": _merged(metadata.get("annotations") or {}, added)}
    if isinstance(metadata, ObjectMetaArgs):
        changed = copy.copy(metadata)
        changed.annotations = _merged(metadata.annotations or {}, added)
        return changed
    return pulumi.Output.from_input(metadata).apply(lambda known: _annotated(known, added))


def _merged(annotations: Any, added: Mapping[str, str]) -> Any:
    if not isinstance(annotations, Mapping):
        return pulumi.Output.from_input(annotations).apply(lambda known: _merged(known or {}, added))
    return {**annotations, **added}
