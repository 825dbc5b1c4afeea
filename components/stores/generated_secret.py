"""Secret values that the stack generates once and then keeps.

The values of the first `up` stay in the stack's state, encrypted, and every later run applies them again: a second `up`
changes nothing, an update after a killed one has the same values, and a Secret that was changed or deleted gets them
back. No file holds them and no plugin is needed. A new resource name generates new values.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from ..core.component import Component
from ..core.rendering import encoded


@dataclass(frozen=True, kw_only=True)
class GeneratedSecretArgs:
    """Arguments of GeneratedSecret: its Secret, and the values to generate."""

    namespace: pulumi.Input[str]
    secret_name: str
    values: pulumi.Input[Mapping[str, str]] = field(repr=False)
    """Freshly generated text by key; ignored where the stack has a set already."""
    type: str = "Opaque"
    generated_for: pulumi.Input[str] | None = None
    """A value, such as a DNS name, whose change generates new values."""
    adopted: Sequence[str] = ()
    """Keys whose values in an existing Secret of an earlier version are kept instead of the generated ones."""


class GeneratedSecret(Component):
    """A Secret that holds the values of its first creation for good."""

    secret_name: pulumi.Output[str]
    """Resolves when the Secret exists."""

    def __init__(self, name: str, args: GeneratedSecretArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:KeptSecret", name, {}, opts)
        # Not in the Secret's own resource: a refresh replaces what the state has of it by what the cluster has.
        child = pulumi.ResourceOptions(
            parent=self,
            ignore_changes=["input"],
            additional_secret_outputs=["output"],
            replacement_trigger=args.generated_for,
        )
        values = pulumi.Output.secret(args.values)
        if not args.adopted:
            values = pulumi.Stash(name, input=values, opts=child).output
        self._secret = Secret(
            name,
            metadata=ObjectMetaArgs(name=args.secret_name, namespace=args.namespace),
            type=args.type,
            data=values.apply(encoded),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=[f'data["{key}"]' for key in args.adopted]),
        )
        if args.adopted:
            existing: pulumi.Output[dict[str, str]] = pulumi.Output.secret(self._secret.data.apply(_decoded))
            pulumi.Stash(name, input=existing, opts=child)
        self.secret_name = self._secret.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"secret_name": self.secret_name})

    def value(self, key: str) -> pulumi.Output[str]:
        """The kept value of one key, as a secret."""
        return pulumi.Output.secret(self._secret.data.apply(lambda data: _decoded(data)[key]))


def _decoded(data: Mapping[str, str]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in data.items()}
