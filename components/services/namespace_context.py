"""The runtimes and the storage of a namespace, which an InferenceService is checked against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..installation.declared_runtime import DeclaredRuntime

Entries = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class NamespaceContext:
    """Runtimes and storage of a namespace. A field that is None is unknown, and not checked against."""

    namespace: str
    runtimes: Sequence[DeclaredRuntime] | None = None
    storage: Entries | None = field(default=None, repr=False)
    """Fields of the storage Secret's entries, by storage key; None for an entry whose content is unknown."""
    rest_proxy: bool = True
    allow_any_pvc: bool = False

    def usable(self) -> dict[str, DeclaredRuntime]:
        """Runtimes that the namespace can use, by name; a ServingRuntime hides a ClusterServingRuntime."""
        found = self.runtimes or ()
        shared = {runtime.name: runtime for runtime in found if runtime.namespace is None}
        own = {runtime.name: runtime for runtime in found if runtime.namespace == self.namespace}
        return {**shared, **own}
