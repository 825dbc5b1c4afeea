"""What every pod of this stack's own has in common: no root, no writable root file system, no capability."""

from typing import Any

USER = 1000


def pod_security() -> dict[str, Any]:
    """A pod's security context; its user also owns its volumes."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security(user: int | None = None) -> dict[str, Any]:
    """A container's security context; with `user` it stands without the pod's, where the pod is not ours to shape."""
    own = {"runAsNonRoot": True, "runAsUser": user, "seccompProfile": {"type": "RuntimeDefault"}} if user else {}
    return {
        **own,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
