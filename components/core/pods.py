"""Security contexts of the stack's pods: no root, a read-only root file system, no capabilities."""

from pulumi_kubernetes.core.v1 import (
    CapabilitiesArgs,
    PodSecurityContextArgs,
    SeccompProfileArgs,
    SecurityContextArgs,
)

USER = 1000


def pod_security(*, fs_group_change_policy: str | None = None) -> PodSecurityContextArgs:
    """Return a pod's security context; its user also owns the pod's volumes."""
    return PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=USER,
        run_as_group=USER,
        fs_group=USER,
        fs_group_change_policy=fs_group_change_policy,
        seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security(user: int | None = None) -> SecurityContextArgs:
    """Return a container's security context; `user` completes it for pods without one of `pod_security`."""
    return SecurityContextArgs(
        run_as_non_root=True if user else None,
        run_as_user=user,
        seccomp_profile=SeccompProfileArgs(type="RuntimeDefault") if user else None,
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=CapabilitiesArgs(drop=["ALL"]),
    )
