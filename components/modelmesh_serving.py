"""ModelMesh Serving: its definitions, permissions, webhook, configuration and controller, in cluster scope.

Upstream's documents become resources of their own, not a YAML group: a preview then needs no cluster and shows each of
them. What they need from elsewhere (namespace, etcd, storage) comes as arguments; runtimes and services are others'.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from .admission import admitted
from .cluster import Cluster
from .serving_config import ServingConfig
from .upstream import Document, Site, documents, patched
from .upstream.documents import text
from .upstream.patches import CONFIG_DEFAULTS, LABELS, WEBHOOK_SERVICE
from .webhook_certificate import WebhookCertificate, WebhookCertificateArgs

_FOLDERS = ("crd", "rbac/cluster-scope", "webhook", "manager")

_KINDS: dict[str, type[pulumi.CustomResource]] = {
    "CustomResourceDefinition": kubernetes.apiextensions.v1.CustomResourceDefinition,
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


@dataclass(frozen=True, kw_only=True)
class ModelMeshServingArgs:
    """Where ModelMesh Serving goes, what it works with, and how it makes its pods."""

    cluster: Cluster
    namespace: pulumi.Input[str]
    namespace_name: str
    """The same as plain text."""
    etcd_secret: pulumi.Input[str]
    storage_secret: pulumi.Input[str]
    config: ServingConfig


class ModelMeshServing(pulumi.ComponentResource):
    """The installation."""

    namespace: pulumi.Output[str]
    """Where runtimes can be created; resolves when they will be admitted."""

    def __init__(self, name: str, args: ModelMeshServingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:ModelMeshServing", name, {}, opts)
        certificate = WebhookCertificate(
            f"{name}-webhook",
            WebhookCertificateArgs(
                namespace=args.namespace, namespace_name=args.namespace_name, service=WEBHOOK_SERVICE
            ),
            pulumi.ResourceOptions(parent=self),
        )
        site = Site(
            namespace=args.namespace,
            controller_image=str(args.config.images.controller),
            etcd_secret=args.etcd_secret,
            certificate_secret=certificate.secret_name,
            ca_bundle=certificate.ca_bundle,
        )
        config_maps = [
            self._config_map(CONFIG_DEFAULTS, args, "config-defaults.yaml", text("default/config-defaults.yaml")),
            self._config_map(
                "model-serving-config",
                args,
                "config.yaml",
                pulumi.Output.from_input(args.storage_secret).apply(args.config.render),
            ),
        ]
        made: list[pulumi.CustomResource] = []
        for folder in _FOLDERS:
            for document in documents(folder):
                # The controller reads the config maps at its start and uses its permissions and definitions from then
                # on; none of them is named in its Deployment, which upstream lists last.
                needed = [*config_maps, *made] if document["kind"] == "Deployment" else []
                made.append(self._resource(patched(document, site), needed))
        self.namespace = self._admitting(args, made)
        self.register_outputs({"namespace": self.namespace})

    def _resource(self, document: Document, needed: list[pulumi.CustomResource]) -> pulumi.CustomResource:
        kind, metadata = document["kind"], document["metadata"]
        fields: dict[str, Any] = {key: value for key, value in document.items() if key not in ("apiVersion", "kind")}
        if "roleRef" in fields:
            fields["role_ref"] = fields.pop("roleRef")
        options = pulumi.ResourceOptions(parent=self, depends_on=needed)
        return _KINDS[kind](f"{metadata['name']}", **fields, opts=options)

    def _config_map(
        self, name: str, args: ModelMeshServingArgs, key: str, value: pulumi.Input[str]
    ) -> kubernetes.core.v1.ConfigMap:
        return kubernetes.core.v1.ConfigMap(
            name,
            metadata={"name": name, "namespace": args.namespace, "labels": LABELS},
            data={key: value},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _admitting(self, args: ModelMeshServingArgs, made: list[pulumi.CustomResource]) -> pulumi.Output[str]:
        async def admitting(_: list[str]) -> str:
            if not pulumi.runtime.is_dry_run():
                await admitted(args.cluster, args.namespace_name)
            return args.namespace_name

        # Every one of them, so that whoever uses this namespace is created after them and deleted before them.
        return pulumi.Output.all(*(resource.urn for resource in made)).apply(admitting)
