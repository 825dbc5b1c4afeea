"""Arguments of ClusterGuard."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.cluster import Cluster
from ..core.ownership import Definitions
from .installation import Scope


@dataclass(frozen=True, kw_only=True)
class ClusterGuardArgs:
    """The cluster, and what determines the cluster-scoped objects that a stack creates there."""

    cluster: Cluster
    namespace_names: Sequence[str]
    """Namespaces that the stack creates."""
    existing_namespaces: Sequence[str] = ()
    """Namespaces that must exist already, since the stack only labels them."""
    controller_namespace: str
    """Namespace of the controller; in namespace scope a part of the names of cluster-scoped objects."""
    scope: Scope
    definitions: Definitions
