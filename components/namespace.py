"""A namespace that ModelMesh Serving looks after."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes


@dataclass(frozen=True, kw_only=True)
class ModelNamespaceArgs:
    """Its name."""

    namespace: str


class ModelNamespace(pulumi.ComponentResource):
    """The namespace, marked so that the controller, in cluster scope, serves models in it."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: ModelNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:ModelNamespace", name, {}, opts)
        made = kubernetes.core.v1.Namespace(
            name,
            metadata={"name": args.namespace, "labels": {"modelmesh-enabled": "true"}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = made.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"namespace": self.namespace})
