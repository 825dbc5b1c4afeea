"""What stands before everything else on a cluster: that it is the stack's own, and that nobody else's objects are on it
under the names of those that the stack is about to make.

A context can lead anywhere: a kubeconfig is rewritten, a context named again, a cluster made anew. The stack keeps the
UID of the cluster that it was made on, and goes on no other. The Kubernetes provider gets its kubeconfig by way of this
guard, so in an update it cannot reach a cluster before that is known; and what it gets is a copy for that one cluster,
so that a refresh or a destroy, which do not run the program first, reach no other either.
"""

import pulumi

from ..core.cluster import Cluster
from ..core.component import Component
from ..core.ownership import Definitions, this_stack
from .cluster_guard_args import ClusterGuardArgs
from .existing_objects import ExistingObjects
from .ownership_rules import ownership_problems

__all__ = [
    "ClusterGuard",
    "ClusterGuardArgs",
    "ClusterUnreachableError",
    "Definitions",
    "OwnershipConflictError",
    "WrongClusterError",
]


class ClusterUnreachableError(pulumi.RunError):
    """The cluster does not answer, so an update cannot start."""

    def __init__(self, cluster: Cluster, reason: str) -> None:
        super().__init__(
            f"{_described(cluster)} cannot be reached: {reason}.\n"
            "Nothing was changed. Expected modelmesh:kubeconfig and modelmesh:context to name one that answers:\n"
            f"  {cluster.kubectl('get', 'namespace', 'kube-system')}"
        )


class OwnershipConflictError(pulumi.RunError):
    """Somebody else's objects are in the way; `problems` has all of them."""

    def __init__(self, cluster: Cluster, stack: str, problems: list[str]) -> None:
        super().__init__(
            f"{_described(cluster)} has no room for stack {stack}:\n"
            + "".join(f"  {problem}\n" for problem in problems)
            + "Nothing was changed. If it is not the cluster that was meant, name that by modelmesh:context."
        )
        self.problems = problems


class WrongClusterError(pulumi.RunError):
    """The stack was made on another cluster."""

    def __init__(self, cluster: Cluster, stack: str, *, kept: str, found: str, stash: str) -> None:
        super().__init__(
            f"{_described(cluster)} is not the one that stack {stack} was made on:\n"
            f"  its UID (that of its namespace kube-system) is {found}, expected {kept}.\n"
            "Nothing was changed. Expected modelmesh:kubeconfig and modelmesh:context to name the stack's own cluster; "
            "for another cluster there is `pulumi stack init`.\n"
            "Only if the stack's own is gone for good, and was made anew under that context, let the stack forget it:\n"
            f"  pulumi state delete '{stash}' && PULUMI_K8S_DELETE_UNREACHABLE=true pulumi up --refresh"
        )


class ClusterGuard(Component):
    """The stack's own cluster, or an error; nothing else of it is touched."""

    kubeconfig: pulumi.Output[str]
    """For the provider: the path of a copy that leads to this cluster alone. Resolves once the cluster is known to be
    the stack's own. In a preview that reaches no cluster before there is one, it is the path as configured."""
    cluster: pulumi.Output[str]
    """The UID of the cluster that the stack was made on; unknown in a preview that reaches none before there is one."""

    def __init__(self, name: str, args: ClusterGuardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        found = _looked_at(args)
        super().__init__("modelmesh:index:ClusterGuard", name, {}, opts)
        # What it keeps is that of the first update, and another value is no change to show either.
        child = pulumi.ResourceOptions(parent=self, ignore_changes=["input"])
        kept = pulumi.Stash(name, input=found or pulumi.UNKNOWN, opts=child)
        self.cluster = kept.output.apply(str)
        # Not derived from the stash, so that in the state nothing depends on it: it can be deleted from there alone.
        self.kubeconfig = pulumi.Output.from_input(_compared(args.cluster, kept, found))
        self.register_outputs({"cluster": self.cluster})


def _looked_at(args: ClusterGuardArgs) -> str | None:
    """The cluster's UID; None in a preview that does not reach it.

    Raises:
        OwnershipConflictError: objects of another owner are in the stack's way.
        ClusterUnreachableError: the cluster does not answer an update.
    """
    stack = this_stack()
    try:
        objects = ExistingObjects(args.cluster)
        found = objects.cluster_uid()
        problems = ownership_problems(args, stack, objects)
    except ConnectionError as problem:
        if not pulumi.runtime.is_dry_run():
            raise ClusterUnreachableError(args.cluster, str(problem)) from None
        pulumi.log.warn(
            f"{_described(args.cluster)} was not looked at, so this preview goes by the stack's state alone: {problem}"
        )
        return None
    if problems:
        raise OwnershipConflictError(args.cluster, stack, problems)
    return found


async def _compared(cluster: Cluster, stash: pulumi.Stash, found: str | None) -> str:
    """The kubeconfig's path.

    Raises:
        WrongClusterError: the stack was made on another cluster.
    """
    kept = await stash.output.future()
    if found is None:
        return cluster.pinned(str(kept)) if kept else cluster.kubeconfig
    if kept is not None and kept != found:
        urn = await stash.urn.future()
        raise WrongClusterError(cluster, this_stack(), kept=str(kept), found=found, stash=str(urn))
    return cluster.pin(found)


def _described(cluster: Cluster) -> str:
    return f"The cluster of context {cluster.context!r} in {cluster.kubeconfig}"
