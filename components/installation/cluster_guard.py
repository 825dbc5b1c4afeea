"""Guard against a wrong cluster, and against overwriting objects of another owner.

The same context can lead to another cluster after its kubeconfig is rewritten or its cluster is created again. So the
stack keeps the UID of the cluster on which it was created, and works on no other. The Kubernetes provider gets its
kubeconfig from this guard, so an update cannot reach a cluster before the guard has checked it. The provider gets a
copy for that one cluster, so that a refresh or a destroy, which do not run the program first, reach no other either.
"""

from collections.abc import Iterable

import pulumi

from ..core.cluster import Cluster
from ..core.component import Component
from ..core.ownership import this_stack
from ..core.problem import Problem
from .existing_objects import ExistingObjects
from .ownership_rules import ClusterGuardArgs, ownership_problems


class ClusterUnreachableError(pulumi.RunError):
    """An update cannot start, since the cluster does not answer."""

    def __init__(self, cluster: Cluster, reason: str) -> None:
        super().__init__(
            f"{_described(cluster)} cannot be reached: {reason}.\n"
            "Nothing was changed. Expected a kubeconfig and a context of a cluster that answers:\n"
            f"  {cluster.kubectl('get', 'namespace', 'kube-system')}"
        )


class OwnershipConflictError(pulumi.RunError):
    """The cluster has objects of another owner that the stack would overwrite, or other conflicts."""

    problems: tuple[Problem, ...]
    """All conflicts; a path starts at the field of ClusterGuardArgs that would solve it."""

    def __init__(self, cluster: Cluster, stack: str, problems: Iterable[Problem]) -> None:
        self.cluster, self.stack, self.problems = cluster, stack, tuple(problems)
        super().__init__(
            f"{_described(cluster)} has objects that conflict with stack {stack}:\n"
            + "".join(f"  {problem}\n" for problem in self.problems)
            + "Nothing was changed. If this is the wrong cluster, use the context of the right one."
        )

    def with_problems(self, problems: Iterable[Problem]) -> "OwnershipConflictError":
        """Return the error with other problems, such as ones whose paths are keys of a program's configuration."""
        return OwnershipConflictError(self.cluster, self.stack, problems)


class WrongClusterError(pulumi.RunError):
    """The stack was created on another cluster."""

    def __init__(self, cluster: Cluster, stack: str, *, kept: str, found: str, stash: str) -> None:
        super().__init__(
            f"{_described(cluster)} is not the one on which stack {stack} was created:\n"
            f"  its UID (that of its namespace kube-system) is {found}, expected {kept}.\n"
            "Nothing was changed. Expected the kubeconfig and context of the stack's own cluster; a new cluster needs "
            "a new stack (`pulumi stack init`).\n"
            "Only if the stack's own cluster was deleted and created again, make the stack forget the old one:\n"
            f"  pulumi state delete '{stash}' && PULUMI_K8S_DELETE_UNREACHABLE=true pulumi up --refresh"
        )


class ClusterGuard(Component):
    """A check of the cluster before anything changes; it reads metadata of objects and creates none."""

    kubeconfig: pulumi.Output[str]
    """Kubeconfig for the provider: the path of a copy for this cluster alone. It resolves when the cluster is known to
    be the stack's own. In a first preview that cannot reach the cluster, it is the configured path."""
    cluster: pulumi.Output[str]
    """UID of the cluster on which the stack was created; unknown in a first preview that cannot reach it."""

    def __init__(self, name: str, args: ClusterGuardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        found = _looked_at(args)
        super().__init__("modelmesh:index:ClusterGuard", name, {}, opts)
        # The value of the first update stays, and previews must not show another one as a change.
        child = pulumi.ResourceOptions(parent=self, ignore_changes=["input"])
        kept = pulumi.Stash(name, input=found or pulumi.UNKNOWN, opts=child)
        self.cluster = kept.output.apply(str)
        # Not derived from the stash, so that nothing in the state depends on it and it can be deleted alone.
        self.kubeconfig = pulumi.Output.from_input(_compared(args.cluster, kept, found))
        self.register_outputs({"cluster": self.cluster})


def _looked_at(args: ClusterGuardArgs) -> str | None:
    """Return the cluster's UID; None in a preview that does not reach it."""
    stack = this_stack()
    try:
        objects = ExistingObjects(args.cluster)
        found = objects.cluster_uid()
        problems = ownership_problems(args, stack, objects)
    except ConnectionError as problem:
        if not pulumi.runtime.is_dry_run():
            raise ClusterUnreachableError(args.cluster, str(problem)) from None
        pulumi.log.warn(
            f"{_described(args.cluster)} was not reached, so this preview uses only the stack's state: {problem}"
        )
        return None
    if problems:
        raise OwnershipConflictError(args.cluster, stack, problems)
    return found


async def _compared(cluster: Cluster, stash: pulumi.Stash, found: str | None) -> str:
    """Return the path of the kubeconfig."""
    kept = await stash.output.future()
    if found is None:
        return cluster.pinned(str(kept)) if kept else cluster.kubeconfig
    if kept is not None and kept != found:
        urn = await stash.urn.future()
        raise WrongClusterError(cluster, this_stack(), kept=str(kept), found=found, stash=str(urn))
    return cluster.pin(found)


def _described(cluster: Cluster) -> str:
    return f"The cluster of context {cluster.context!r} in {cluster.kubeconfig}"
