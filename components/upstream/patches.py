"""Changes to upstream's documents, one function per reason. Each function changes its argument in place.

Changes to the controller's Deployment are in `controller`.
"""

import copy
from collections.abc import Callable, Mapping

from ..core.ownership import MARK
from .controller import CONTROLLER_CHANGES
from .documents import Document, documents
from .install_documents import CLUSTER_SCOPED_KINDS, DEFINITION, object_name
from .install_values import LABELS, InstallValues

WEBHOOK_SERVICE = "modelmesh-webhook-server-service"
CONFIG_DEFAULTS = "model-serving-config-defaults"

_RUNTIMES_POLICY = "modelmesh-runtimes"


def patched(document: Document, values: InstallValues) -> Document:
    """Return a copy of the document with all changes for its kind."""
    document = copy.deepcopy(document)
    for change in (_labelled, _placed, *_BY_KIND.get(document["kind"], ()), _owned):
        change(document, values)
    return document


def runtimes_policy(ports: Mapping[int, int]) -> Document:
    """Return the NetworkPolicy for runtime pods, which each namespace with such pods needs, with these ports."""
    (upstream,) = [entry for entry in documents("rbac/cluster-scope") if entry["metadata"]["name"] == _RUNTIMES_POLICY]
    policy = copy.deepcopy(upstream)
    policy["metadata"]["labels"] = LABELS
    _open(policy, ports)
    return policy


def _labelled(document: Document, _: InstallValues) -> None:
    """Add the labels that upstream's kustomize transformer adds and that network policies select by."""
    metadata = document["metadata"]
    metadata["labels"] = {**metadata.get("labels", {}), **LABELS}


def _placed(document: Document, values: InstallValues) -> None:
    """Set the namespace, which upstream leaves to kustomize."""
    if document["kind"] not in CLUSTER_SCOPED_KINDS:
        document["metadata"]["namespace"] = values.namespace


def _owned(document: Document, values: InstallValues) -> None:
    """Annotate cluster-scoped objects with their owner."""
    if document["kind"] in CLUSTER_SCOPED_KINDS:
        owner = values.definitions_owner if document["kind"] == DEFINITION else values.owner
        document["metadata"].setdefault("annotations", {})[MARK] = owner


def _established(document: Document, _: InstallValues) -> None:
    """Wait until the API server has established the definition, before which it rejects its custom resources."""
    annotations = document["metadata"].setdefault("annotations", {})
    annotations["pulumi.com/waitFor"] = "condition=Established"


def _without_status(document: Document, _: InstallValues) -> None:
    """Remove the empty status that the generator left in some definitions; only the API server writes it."""
    document.pop("status", None)


def _subjects_placed(document: Document, values: InstallValues) -> None:
    """Set the namespace of the ServiceAccount, which a binding repeats."""
    for subject in document["subjects"]:
        subject["namespace"] = values.namespace


def _trusted(document: Document, values: InstallValues) -> None:
    """Set the Service's namespace and the CA by which the API server verifies the webhook."""
    for webhook in document["webhooks"]:
        del webhook["clientConfig"]["caBundle"]  # Upstream's placeholder.
        if values.ca_bundle is not None:
            webhook["clientConfig"]["caBundle"] = values.ca_bundle
        webhook["clientConfig"]["service"]["namespace"] = values.namespace
    if values.ca_injected_from is not None:
        document["metadata"]["annotations"] = {"cert-manager.io/inject-ca-from": values.ca_injected_from}


def _for_one_namespace(document: Document, values: InstallValues) -> None:
    """Give each installation of namespace scope a webhook with its own name, for runtimes of its namespace only.

    A namespaceSelector does not exclude cluster-scoped objects, so the webhook must not list ClusterServingRuntimes.
    """
    if not values.namespace_scope:
        return
    document["metadata"]["name"] = object_name(document, namespace=values.namespace_name, namespace_scope=True)
    for webhook in document["webhooks"]:
        webhook["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": values.namespace_name}}
        for rule in webhook["rules"]:
            rule["resources"].remove("clusterservingruntimes")


def _not_awaited(document: Document, _: InstallValues) -> None:
    """Skip the wait for the Service's endpoint, the controller, which is created last."""
    document["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}


def _ports_opened(document: Document, values: InstallValues) -> None:
    """Open the ports of this installation instead of upstream's default ones."""
    _open(document, values.ports)


def _open(policy: Document, ports: Mapping[int, int]) -> None:
    for rule in policy["spec"]["ingress"]:
        for entry in rule["ports"]:
            entry["port"] = ports.get(entry["port"], entry["port"])


def _in_one_namespace(document: Document, values: InstallValues) -> None:
    """Turn ClusterServingRuntimes into ServingRuntimes in namespace scope, where the controller reads no others."""
    if values.namespace_scope:
        document["kind"] = "ServingRuntime"
        document["metadata"]["namespace"] = values.namespace


def _server_image(document: Document, values: InstallValues) -> None:
    """Set the images, which upstream leaves to kustomize; a container has the name of its server type."""
    for container in document["spec"]["containers"]:
        container["image"] = values.server_images[container["name"]]


_BY_KIND: dict[str, tuple[Callable[[Document, InstallValues], None], ...]] = {
    "CustomResourceDefinition": (_established, _without_status),
    "ClusterRoleBinding": (_subjects_placed,),
    "RoleBinding": (_subjects_placed,),
    "NetworkPolicy": (_ports_opened,),
    "ValidatingWebhookConfiguration": (_trusted, _for_one_namespace),
    "Service": (_not_awaited,),
    "Deployment": CONTROLLER_CHANGES,
    "ClusterServingRuntime": (_in_one_namespace, _server_image),
}
