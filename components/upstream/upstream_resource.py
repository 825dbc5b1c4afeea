"""Pulumi resources for upstream's documents, typed if Pulumi knows the kind.

CustomResourceDefinitions are untyped: Pulumi would turn each part of their schemas into an object, which takes two
seconds of every update. Type and URN are the same either way.
"""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from . import Document

_KINDS: dict[str, type[pulumi.CustomResource]] = {
    "ServiceAccount": kubernetes.core.v1.ServiceAccount,
    "Role": kubernetes.rbac.v1.Role,
    "RoleBinding": kubernetes.rbac.v1.RoleBinding,
    "ClusterRole": kubernetes.rbac.v1.ClusterRole,
    "ClusterRoleBinding": kubernetes.rbac.v1.ClusterRoleBinding,
    "NetworkPolicy": kubernetes.networking.v1.NetworkPolicy,
    "Service": kubernetes.core.v1.Service,
    "ValidatingWebhookConfiguration": kubernetes.admissionregistration.v1.ValidatingWebhookConfiguration,
    "Deployment": kubernetes.apps.v1.Deployment,
}


def upstream_resource(
    document: Document, opts: pulumi.ResourceOptions, *, name: str | None = None
) -> pulumi.CustomResource:
    """Create a resource with the object's name; `name` is for documents whose metadata is an Output."""
    name, kind = name or document["metadata"]["name"], document["kind"]
    fields: dict[str, Any] = {key: value for key, value in document.items() if key not in ("apiVersion", "kind")}
    if kind not in _KINDS:
        return kubernetes.apiextensions.CustomResource(
            name, api_version=document["apiVersion"], kind=kind, **fields, opts=opts
        )
    if "roleRef" in fields:
        fields["role_ref"] = fields.pop("roleRef")
    return _KINDS[kind](name, **fields, opts=opts)
