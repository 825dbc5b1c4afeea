"""One resource of a stack, as registered by the program: without values that the cluster adds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .reading import at, text

_PACKAGE = "kubernetes:"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource's type, its place in the stack, and its inputs by their names in the API."""

    token: str
    urn: str
    properties: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Kind of a Kubernetes object; empty for other resources."""
        return self.token.rpartition(":")[2] if self.token.startswith(_PACKAGE) else ""

    @property
    def name(self) -> str:
        """Name of the object, or of the resource if Pulumi generates the object's name."""
        return text(at(self.properties, "metadata", "name")) or self.urn.rpartition("::")[2]

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.urn.split("::")[0].removeprefix("urn:pulumi:")

    @property
    def components(self) -> list[str]:
        """Types of the components that contain it, the outermost first."""
        return self.urn.split("::")[2].split("$")[:-1]
