"""A namespace, and whether ModelMesh Serving serves models in it."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.component import Component
from ..core.names_and_quantities import label_problems
from ..core.ownership import MARK, this_stack
from ..core.problem import raise_if_invalid


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """Its name, and whose it is."""

    namespace: str
    serves_models: bool = True
    """The controller's own namespace serves models unless it is told not to, and all others do only when told."""
    exists: bool = False
    """It is somebody else's: only the mark is put on it, and taken off it with the stack."""
    protect: bool = False
    """Pulumi refuses to delete it, and all in it with it, until this is off; one that exists is not its to delete."""
    after: pulumi.Input[str] = ""
    """Of what must be there while it is marked: the mark comes after that and goes before it."""


class Namespace(Component):
    """The namespace, marked for a controller in cluster scope."""

    namespace: pulumi.Output[str]
    """Its name; resolves when it exists."""

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("Namespace", args.namespace, label_problems("namespace", args.namespace))
        super().__init__("modelmesh:index:Namespace", name, {}, opts)
        mark = "true" if args.serves_models else "false"
        metadata: dict[str, Any] = {
            "name": args.namespace,
            "labels": {"modelmesh-enabled": pulumi.Output.from_input(args.after).apply(lambda _: mark)},
        }
        made: kubernetes.core.v1.Namespace | kubernetes.core.v1.NamespacePatch
        if args.exists:
            child = pulumi.ResourceOptions(parent=self)
            made = kubernetes.core.v1.NamespacePatch(name, metadata=metadata, opts=child)
        else:
            child = pulumi.ResourceOptions(parent=self, protect=args.protect or None)
            metadata["annotations"] = {MARK: this_stack()}
            made = kubernetes.core.v1.Namespace(name, metadata=metadata, opts=child)
        self.namespace = made.metadata.apply(lambda _: args.namespace)
        self.register_outputs({"namespace": self.namespace})
