"""Secret values that the stack generates once and then keeps.

They live in a Kubernetes Secret whose `data` Pulumi ignores after the first write: the values of the first `up` stay in
the stack's state, encrypted, and every later run reads them back from there. So no file holds them, no plugin is
needed, and a second `up` changes nothing. New values are had by a new resource name.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.rendering import encoded


@dataclass(frozen=True, kw_only=True)
class KeptSecretArgs:
    """The Secret's place and what goes into it if it does not exist yet."""

    namespace: pulumi.Input[str]
    secret_name: str
    values: Mapping[str, str] = field(repr=False)
    """Freshly generated text by key; ignored where the stack has a set already."""
    type: str = "Opaque"


class KeptSecret(pulumi.ComponentResource):
    """A Secret that holds the values of its first creation for good."""

    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: KeptSecretArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:KeptSecret", name, {}, opts)
        self._secret = kubernetes.core.v1.Secret(
            name,
            metadata={"name": args.secret_name, "namespace": args.namespace},
            type=args.type,
            data=pulumi.Output.secret(encoded(args.values)),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["data"]),
        )
        self.secret_name = self._secret.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"secret_name": self.secret_name})

    def value(self, key: str) -> pulumi.Output[str]:
        """The kept value of one key, as a secret."""
        return pulumi.Output.secret(self._secret.data.apply(lambda data: base64.b64decode(data[key]).decode()))
