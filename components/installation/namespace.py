"""Namespace, labelled for a controller of ModelMesh Serving."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.component import Component
from ..core.names_and_quantities import label_problems
from ..core.ownership import MARK, this_stack
from ..core.problem import ROOT, Problem, raise_if_invalid


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """Arguments of Namespace."""

    namespace: str
    serves_models: bool = True
    """Value of the label: whether the controller serves models in the namespace."""
    exists: bool = False
    """The namespace exists and is managed elsewhere: the stack only adds its label and removes that on destroy."""
    protect: bool = False
    """Protect the namespace, with everything in it, from deletion; without effect on an existing one."""
    after: pulumi.Input[str] = ""
    """Dependency of the label, which is added after it and removed before it."""

    def problems(self) -> Iterator[Problem]:
        """Check the name."""
        yield from label_problems(ROOT / "namespace", self.namespace)


class Namespace(Component):
    """A namespace with the label that controllers in cluster scope evaluate."""

    namespace: pulumi.Output[str]
    """Name of the namespace, which resolves when it exists."""

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("Namespace", args.namespace, args.problems())
        super().__init__("modelmesh:index:Namespace", name, {}, opts)
        label = "true" if args.serves_models else "false"
        metadata: dict[str, Any] = {
            "name": args.namespace,
            "labels": {"modelmesh-enabled": pulumi.Output.from_input(args.after).apply(lambda _: label)},
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
