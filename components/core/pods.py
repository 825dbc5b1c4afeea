"""Security contexts of the stack's pods: no root, a read-only root file system, no capabilities."""

from pulumi_kubernetes.core import v1

USER = 1000


def pod_security(*, fs_group_change_policy: str | None = None) -> v1.PodSecurityContextArgs:
    """Return a pod's security context; its user also owns the pod's volumes."""
    return v1.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=USER,
        run_as_group=USER,
        fs_group=USER,
        fs_group_change_policy=fs_group_change_policy,
        seccomp_profile=v1.SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security(user: int | None = None) -> v1.SecurityContextArgs:
    """Return a container's security context; `user` completes it for pods without one of `pod_security`."""
    return v1.SecurityContextArgs(
        run_as_non_root=True if user else None,
        run_as_user=user,
        seccomp_profile=v1.SeccompProfileArgs(type="RuntimeDefault") if user else None,
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=v1.CapabilitiesArgs(drop=["ALL"]),
    )
