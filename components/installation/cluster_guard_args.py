"""What a guard is told. In a file of its own, for its rules to know it too."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.cluster import Cluster
from ..core.ownership import Definitions
from .installation import Scope


@dataclass(frozen=True, kw_only=True)
class ClusterGuardArgs:
    """The cluster, and what a stack is about to make there that no namespace holds."""

    cluster: Cluster
    namespace_names: Sequence[str]
    """The namespaces that the stack makes; none where they exist."""
    existing_namespaces: Sequence[str] = ()
    """Namespaces that have to be there already, since the stack only labels them."""
    controller_namespace: str
    """After which an installation of namespace scope calls what it cannot share."""
    scope: Scope
    definitions: Definitions
