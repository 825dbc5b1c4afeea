"""A namespace in which ModelMesh Serving runs model servers, with everything that their pods need.

The controller creates its Service, its configuration and a copy of the etcd Secret in each namespace. This component
creates the other Secrets and the ServiceAccount, without which the pods would not start.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.component import Component
from ..core.names_and_quantities import label_problems, object_name
from ..core.problem import ROOT, Problem, raise_if_invalid
from ..core.rendering import encoded
from ..images.pull_secret import pull_secrets
from ..stores.storage import ExistingStorage, Storage, StorageConfig, StorageConfigArgs
from ..stores.storage_rules import storage_problems
from ..upstream import documents
from ..upstream.patches import runtimes_policy
from ..upstream.upstream_resource import upstream_resource
from .installation import Installation
from .namespace import Namespace, NamespaceArgs
from .storage_refresh import refresh_storage

_RBAC = "rbac/cluster-scope"


@dataclass(frozen=True, kw_only=True)
class ModelNamespaceArgs:
    """Arguments of ModelNamespace: the installation, and the storage of the models."""

    installation: Installation
    namespace: str
    """One of the installation's model namespaces. That of the controller exists already and is not created again."""
    storage: Mapping[str, Storage] | ExistingStorage = field(default_factory=dict)
    """Storage by its key, which InferenceServices name; runtime pods need the Secret even if it is empty."""
    exists: bool = False
    """Whether the namespace exists and belongs to another owner; the stack then does not delete it."""
    protect: bool = False
    """Whether Pulumi refuses to delete a namespace that the stack creates."""
    network_policies: bool = True
    """Whether to create upstream's policy for runtime pods; ModelMeshServing decides for the controller's namespace."""

    def planned(self) -> "ServedNamespace":
        """Return the namespace of these arguments, but for the outputs of its resources."""
        place = ServedNamespace()
        place.namespace_name, place.installation, place.storage = self.namespace, self.installation, self.storage
        place.namespace = place.ready = place.constraints_account = pulumi.Output.from_input(self.namespace)
        return place

    def problems(self) -> Iterator[Problem]:
        """Check the namespace, and each store."""
        installation, storage = self.installation, self.storage
        yield from label_problems(ROOT / "namespace", self.namespace)
        if self.namespace not in installation.model_namespaces:
            expected = f"one of the installation's model_namespaces ({', '.join(installation.model_namespaces)})"
            yield Problem(ROOT / "namespace", self.namespace, expected)
        if self.exists and _is_controllers(self):
            yield Problem(ROOT / "exists", self.exists, "False for the namespace of the controller")
        if not isinstance(storage, ExistingStorage):
            yield from storage_problems(storage)
        elif storage.secret_name != (mounted := installation.config.storage_secret_name):
            expected = f"{mounted!r}, the Secret that runtime pods mount"
            yield Problem(ROOT / "storage" / "secret_name", storage.secret_name, expected)


class ServedNamespace:
    """A namespace that models are served in, as runtimes and services see it."""

    namespace_name: str
    installation: Installation
    storage: Mapping[str, Storage] | ExistingStorage
    namespace: pulumi.Output[str]
    """Name of the namespace; resolves when it exists."""
    ready: pulumi.Output[str]
    """Name of the namespace; resolves when it can hold runtimes and everything that their pods need exists."""
    constraints_account: pulumi.Output[str]
    """ServiceAccount of RefreshTypeConstraints Jobs in this namespace."""


class ModelNamespace(Component, ServedNamespace):
    """A namespace with its storage Secret, ServiceAccount, certificate, pull secrets and network policy."""

    def __init__(self, name: str, args: ModelNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("ModelNamespace", args.namespace, args.problems())
        super().__init__("modelmesh:index:ModelNamespace", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace_name, self.installation, self.storage = args.namespace, args.installation, args.storage
        if own := _is_controllers(args):
            self.namespace = args.installation.namespace
        else:
            # The label is removed while the controller still runs, so that the controller deletes its Service there.
            after = args.installation.admitting if args.exists else ""
            labelled = NamespaceArgs(
                namespace=args.namespace, serves_models=True, exists=args.exists, protect=args.protect, after=after
            )
            self.namespace = Namespace(name, labelled, child).namespace
        needed = [*self._accounts(name, child), *([] if own else self._copies(name, args, child))]
        self.constraints_account = _constraints_account(f"{name}-constraints", self.namespace, child)
        self.ready = pulumi.Output.all(
            self._storage_secret(name, child),
            args.installation.admitting,
            self.namespace,
            # All of them, so that resources which depend on the output are created after them and deleted before them.
            *(resource.urn for resource in needed),
        ).apply(self._refresh_storage)
        self.register_outputs({"namespace": self.namespace, "ready": self.ready})

    async def _refresh_storage(self, known: list[str]) -> str:
        """Wait until pods that already run have the newest storage Secret."""
        if not pulumi.runtime.is_dry_run():
            await refresh_storage(
                cluster=self.installation.cluster,
                namespace=self.namespace_name,
                secret=known[0],
                service=self.installation.config.service_name,
                report=self.report,
            )
        return self.namespace_name

    def _storage_secret(self, name: str, child: pulumi.ResourceOptions) -> pulumi.Input[str]:
        if isinstance(self.storage, ExistingStorage):
            return self.storage.secret_name
        secret_name = self.installation.config.storage_secret_name
        entries = StorageConfigArgs(namespace=self.namespace, secret_name=secret_name, entries=self.storage)
        return StorageConfig(f"{name}-storage", entries, child).secret_name

    def _accounts(self, name: str, child: pulumi.ResourceOptions) -> list[pulumi.CustomResource]:
        """Create the runtime pods' ServiceAccount unless it is the default one or the installation's."""
        account = self.installation.config.service_account_name
        own = self.namespace_name == self.installation.namespace_name
        if not account or (own and account in _upstream_accounts()):
            return []
        metadata = {"name": account, "namespace": self.namespace}
        return [kubernetes.core.v1.ServiceAccount(f"{name}-{account}", metadata=metadata, opts=child)]

    def _copies(
        self, name: str, args: ModelNamespaceArgs, child: pulumi.ResourceOptions
    ) -> list[pulumi.CustomResource]:
        """Create what the installation has created in the controller's namespace only."""
        made: list[pulumi.CustomResource] = []
        made += pull_secrets(name, self.installation.config.image_pull_secrets, self.namespace, child)
        if self.installation.tls is not None:
            made.append(
                kubernetes.core.v1.Secret(
                    f"{name}-tls",
                    metadata={"name": self.installation.tls_secret, "namespace": self.namespace},
                    type="kubernetes.io/tls",
                    data=pulumi.Output.all(**_secret(self.installation.tls)).apply(encoded),
                    opts=child,
                )
            )
        if args.network_policies:
            policy = runtimes_policy(self.installation.config.ports())
            placed = policy | {"metadata": policy["metadata"] | {"namespace": self.namespace}}
            made.append(upstream_resource(placed, child, name=f"{name}-{policy['metadata']['name']}"))
        return made


def _constraints_account(name: str, namespace: pulumi.Input[str], child: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """A ServiceAccount that may annotate the namespace's mesh pods; its name resolves once its role is bound."""
    name = object_name(name)
    account = kubernetes.core.v1.ServiceAccount(name, metadata={"namespace": namespace}, opts=child)
    place = account.metadata.namespace
    role = kubernetes.rbac.v1.Role(
        name,
        metadata={"namespace": place},
        rules=[
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch"]},
        ],
        opts=child,
    )
    binding = kubernetes.rbac.v1.RoleBinding(
        name,
        metadata={"namespace": place},
        role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
        subjects=[{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": place}],
        opts=child,
    )
    return pulumi.Output.all(account.metadata.name, binding.urn).apply(lambda known: str(known[0]))


def _secret(values: Mapping[str, pulumi.Output[str]]) -> dict[str, pulumi.Output[str]]:
    return {key: pulumi.Output.secret(value) for key, value in values.items()}


def _is_controllers(args: ModelNamespaceArgs) -> bool:
    return args.namespace == args.installation.namespace_name


def _upstream_accounts() -> set[str]:
    return {document["metadata"]["name"] for document in documents(_RBAC) if document["kind"] == "ServiceAccount"}
