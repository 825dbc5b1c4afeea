"""The stack's ClusterGuard, with its conflicts reported by configuration key."""

import components as mm

from .keys import by_key
from .settings import Settings


def cluster_guard(name: str, settings: Settings) -> mm.ClusterGuard:
    """Creates the guard.

    Raises:
        OwnershipConflictError: Objects on the cluster conflict with the stack; the paths are configuration keys.
    """
    try:
        return mm.ClusterGuard(name, settings.guard())
    except mm.installation.OwnershipConflictError as error:
        raise error.with_problems(by_key(problem.under("guard")) for problem in error.problems) from None
