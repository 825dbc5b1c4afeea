"""ModelMesh Serving: its definitions, permissions, webhook, configuration, controller, and upstream's own runtimes.

Each of upstream's documents becomes a resource, not part of a YAML group: a preview then needs no cluster and shows
each of them. This component creates everything in the controller's namespace; a ModelNamespace creates what another
namespace needs.
"""

from dataclasses import replace

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.component import Component
from ..core.ownership import SHARED, this_stack
from ..core.problem import raise_if_invalid
from ..core.rendering import encoded
from ..images.pull_secret import pull_secrets
from ..stores.certificate import Certificate, CertificateArgs
from ..upstream import Document, InstallValues, install_documents, patched
from ..upstream.documents import text
from ..upstream.install_documents import DEFINITION
from ..upstream.install_values import LABELS
from ..upstream.patches import CONFIG_DEFAULTS
from ..upstream.upstream_resource import upstream_resource
from .admission import admitted
from .data_plane_tls import DataPlaneTls, service_names
from .installation import Installation
from .modelmesh_serving_args import ModelMeshServingArgs
from .webhook_certificate import WebhookCertificate, WebhookCertificateArgs

_TLS_SECRET = "modelmesh-tls"  # noqa: S105  a name, not a secret
_ETCD_SECRET = "model-serving-etcd"  # noqa: S105  a name, not a secret


class ModelMeshServing(Component):
    """An installation of ModelMesh Serving."""

    installation: Installation
    """Facts about the installation, for the components that use it."""
    tls_ca: pulumi.Output[str] | None
    """PEM certificate of the CA by which clients verify the mesh; None if the stack does not create it."""

    def __init__(self, name: str, args: ModelMeshServingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("ModelMeshServing", name, args.problems())
        super().__init__("modelmesh:index:ModelMeshServing", name, {}, opts)
        tls = self._certificate(name, args)
        self.tls_ca = tls.ca if tls else None
        etcd_secret = self._etcd_secret(args)
        values = _install_values(args, etcd_secret, self._webhook_certificate(name, args))
        admitting = self._admitting(args, self._controller(name, args, values, tls, etcd_secret))
        runtimes = [patched(runtime, values) for runtime in args.runtime_documents()]
        existing = [self._runtime(runtime, args, admitting).urn for runtime in runtimes]
        planned = replace(
            args.planned(), admitting=pulumi.Output.all(admitting, *existing).apply(lambda _: args.namespace_name)
        )
        self.installation = replace(planned, tls=tls.values(), tls_secret=tls.secret_name) if tls else planned
        self.register_outputs({"tls_ca": self.tls_ca})

    def _certificate(self, name: str, args: ModelMeshServingArgs) -> Certificate | None:
        if args.tls is None or args.tls.existing_secret is not None:
            return None
        names = service_names(args.config.service_name, args.served_namespaces, args.tls.dns_names)
        return Certificate(
            f"{name}-tls",
            CertificateArgs(namespace=args.namespace, secret_name=_TLS_SECRET, dns_names=names, today=args.today),
            pulumi.ResourceOptions(parent=self),
        )

    def _webhook_certificate(self, name: str, args: ModelMeshServingArgs) -> WebhookCertificate:
        return WebhookCertificate(
            f"{name}-webhook",
            WebhookCertificateArgs(
                namespace=args.namespace,
                namespace_name=args.namespace_name,
                issuer=args.webhook_certificate,
                today=args.today,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _etcd_secret(self, args: ModelMeshServingArgs) -> kubernetes.core.v1.Secret:
        """Create the Secret of the etcd connection, with a name that Pulumi generates.

        Controller and mesh read the Secret once, when they start. A changed connection replaces the Secret by one with
        another name, which restarts them. The name does not depend on the values.
        """
        return kubernetes.core.v1.Secret(
            _ETCD_SECRET,
            metadata={"namespace": args.namespace},
            data=args.etcd.text().apply(lambda connection: encoded({"etcd_connection": connection})),
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["data"]),
        )

    def _controller(
        self,
        name: str,
        args: ModelMeshServingArgs,
        values: InstallValues,
        own: Certificate | None,
        etcd_secret: kubernetes.core.v1.Secret,
    ) -> list[pulumi.CustomResource]:
        """Create the controller after everything that must exist before it and that its Deployment does not name."""
        child = pulumi.ResourceOptions(parent=self)
        tls = args.tls or DataPlaneTls()
        tls_secret = pulumi.Output.from_input(own.secret_name if own else tls.existing_secret)
        config = tls_secret.apply(lambda secret: args.config.render(tls_secret=secret, client_auth=tls.client_auth))
        made: list[pulumi.CustomResource] = [
            self._config_map(CONFIG_DEFAULTS, args, "config-defaults.yaml", text("default/config-defaults.yaml")),
            self._config_map("model-serving-config", args, "config.yaml", config),
            *pull_secrets(name, args.config.image_pull_secrets, args.namespace, child),
        ]
        for document in install_documents(
            namespace_scope=args.scope == "namespace",
            definitions=args.definitions != "existing",
            network_policies=args.network_policies,
        ):
            defines = document["kind"] == DEFINITION
            # Definitions keep the API server busy for seconds. The stores, which wait for the namespace just like the
            # Secret of etcd, start in that time if they come first.
            needed = made if document["kind"] == "Deployment" else [etcd_secret] if defines else []
            kept = defines and args.definitions == "kept"
            options = pulumi.ResourceOptions(parent=self, depends_on=[*needed], retain_on_delete=kept or None)
            made.append(upstream_resource(patched(document, values), options))
        return made

    def _runtime(
        self, runtime: Document, args: ModelMeshServingArgs, admitting: pulumi.Output[str]
    ) -> pulumi.CustomResource:
        # The namespace, if it has one, as plain text.
        place = {"namespace": args.namespace_name} if "namespace" in runtime["metadata"] else {}
        # The webhook has to answer first, and no value of a runtime depends on it.
        metadata = admitting.apply(lambda _: runtime["metadata"] | place)
        options = pulumi.ResourceOptions(parent=self)
        return upstream_resource(runtime | {"metadata": metadata}, options, name=runtime["metadata"]["name"])

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

        # All of them, so that resources which depend on the output are created after them and deleted before them.
        return pulumi.Output.all(*(resource.urn for resource in made)).apply(admitting)


def _install_values(
    args: ModelMeshServingArgs, etcd_secret: kubernetes.core.v1.Secret, certificate: WebhookCertificate
) -> InstallValues:
    config = args.config
    return InstallValues(
        namespace=args.namespace,
        namespace_name=args.namespace_name,
        owner=this_stack(),
        definitions_owner=SHARED if args.definitions == "kept" else this_stack(),
        namespace_scope=args.scope == "namespace",
        controller_image=str(config.images.controller),
        replicas=args.controller.replicas,
        resources=args.controller.resources.as_config(),
        dev_mode_logging=args.controller.dev_mode_logging,
        pull_secrets=[secret.name for secret in config.image_pull_secrets],
        etcd_secret=etcd_secret.metadata.apply(lambda metadata: str(metadata.name)),
        storage_secret=config.storage_secret_name,
        certificate_secret=certificate.secret_name,
        ca_bundle=certificate.ca_bundle,
        ca_injected_from=certificate.injected_from,
        ports=config.ports(),
        server_images={server: str(image) for server, image in config.images.servers.items()},
    )
