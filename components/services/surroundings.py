"""What an InferenceService finds in its namespace, against which its rules check it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..installation.declared_runtime import DeclaredRuntime

Entries = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a service's namespace offers; None where that is not known and nothing is checked against it."""

    namespace: str
    runtimes: Sequence[DeclaredRuntime] | None = None
    storage: Entries | None = field(default=None, repr=False)
    """What the puller finds under each storage key; an entry that is None is there, but nobody knows what it says."""
    rest_proxy: bool = True
    allow_any_pvc: bool = False

    def usable(self) -> dict[str, DeclaredRuntime]:
        """The runtimes of this namespace by name; its own stand before those of the cluster."""
        found = self.runtimes or ()
        shared = {runtime.name: runtime for runtime in found if runtime.namespace is None}
        own = {runtime.name: runtime for runtime in found if runtime.namespace == self.namespace}
        return {**shared, **own}
