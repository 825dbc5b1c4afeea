"""Properties of a namespace that the rules for its InferenceServices use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..installation.declared_runtime import DeclaredRuntime

Entries = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Properties of a namespace; None if they are not known and not checked."""

    namespace: str
    runtimes: Sequence[DeclaredRuntime] | None = None
    storage: Entries | None = field(default=None, repr=False)
    """Entries of the storage Secret by key; a None entry exists with unknown content."""
    rest_proxy: bool = True
    allow_any_pvc: bool = False

    def usable(self) -> dict[str, DeclaredRuntime]:
        """Runtimes of this namespace by name; ServingRuntimes take precedence over ClusterServingRuntimes."""
        found = self.runtimes or ()
        shared = {runtime.name: runtime for runtime in found if runtime.namespace is None}
        own = {runtime.name: runtime for runtime in found if runtime.namespace == self.namespace}
        return {**shared, **own}
