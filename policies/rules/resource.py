"""One resource of a stack, as its program registers it: before a cluster has added anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .reading import at, text

_PACKAGE = "kubernetes:"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource's type, where it stands in its stack, and its inputs by their names on the wire."""

    token: str
    urn: str
    properties: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Of a Kubernetes object; empty for whatever is none."""
        return self.token.rpartition(":")[2] if self.token.startswith(_PACKAGE) else ""

    @property
    def name(self) -> str:
        """The object's name; the resource's where Pulumi makes one up."""
        return text(at(self.properties, "metadata", "name")) or self.urn.rpartition("::")[2]

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.urn.split("::")[0].removeprefix("urn:pulumi:")

    @property
    def components(self) -> list[str]:
        """Types of the components it is part of, the outermost first."""
        return self.urn.split("::")[2].split("$")[:-1]
