"""What is changed in upstream's documents, one function per reason. Each changes the copy it is given, in place.

The controller's Deployment has a file of its own.
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
    """A changed copy of the document: those reasons that concern its kind, applied in order."""
    document = copy.deepcopy(document)
    for change in (_labelled, _placed, *_BY_KIND.get(document["kind"], ()), _marked):
        change(document, values)
    return document


def runtimes_policy(ports: Mapping[int, int]) -> Document:
    """A changed copy of the NetworkPolicy for runtime pods, as every namespace with such pods needs it."""
    (upstream,) = [entry for entry in documents("rbac/cluster-scope") if entry["metadata"]["name"] == _RUNTIMES_POLICY]
    policy = copy.deepcopy(upstream)
    policy["metadata"]["labels"] = LABELS
    _open(policy, ports)
    return policy


def _labelled(document: Document, _: InstallValues) -> None:
    """Network policies find the controller by labels that upstream adds with a kustomize transformer."""
    metadata = document["metadata"]
    metadata["labels"] = {**metadata.get("labels", {}), **LABELS}


def _placed(document: Document, values: InstallValues) -> None:
    """Upstream leaves the namespace to kustomize."""
    if document["kind"] not in CLUSTER_SCOPED_KINDS:
        document["metadata"]["namespace"] = values.namespace


def _marked(document: Document, values: InstallValues) -> None:
    """What no namespace holds tells whose it is."""
    if document["kind"] in CLUSTER_SCOPED_KINDS:
        mark = values.definitions_mark if document["kind"] == DEFINITION else values.mark
        document["metadata"].setdefault("annotations", {})[MARK] = mark


def _established(document: Document, _: InstallValues) -> None:
    """Custom resources are refused until the API server has established their definition."""
    annotations = document["metadata"].setdefault("annotations", {})
    annotations["pulumi.com/waitFor"] = "condition=Established"


def _without_status(document: Document, _: InstallValues) -> None:
    """Some definitions carry the blank status that their generator left; it is the API server's to write."""
    document.pop("status", None)


def _subjects_placed(document: Document, values: InstallValues) -> None:
    """A binding names its service account's namespace itself."""
    for subject in document["subjects"]:
        subject["namespace"] = values.namespace


def _trusted(document: Document, values: InstallValues) -> None:
    """The API server needs our service's namespace and the CA of our certificate; upstream ships a blank one."""
    for webhook in document["webhooks"]:
        del webhook["clientConfig"]["caBundle"]  # cert-manager puts the real one there
        if values.ca_bundle is not None:
            webhook["clientConfig"]["caBundle"] = values.ca_bundle
        webhook["clientConfig"]["service"]["namespace"] = values.namespace
    if values.ca_injected_from is not None:
        document["metadata"]["annotations"] = {"cert-manager.io/inject-ca-from": values.ca_injected_from}


def _for_one_namespace(document: Document, values: InstallValues) -> None:
    """Installations of namespace scope must not answer for each other's runtimes, nor take each other's webhook away.

    A selector keeps nothing of the cluster's own from a webhook, and none of them knows ClusterServingRuntimes.
    """
    if not values.namespace_scope:
        return
    document["metadata"]["name"] = object_name(document, namespace=values.namespace_name, namespace_scope=True)
    for webhook in document["webhooks"]:
        webhook["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": values.namespace_name}}
        for rule in webhook["rules"]:
            rule["resources"].remove("clusterservingruntimes")


def _not_awaited(document: Document, _: InstallValues) -> None:
    """Pulumi would wait for the Service's endpoint, which is the controller, which comes after everything else."""
    document["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}


def _ports_opened(document: Document, values: InstallValues) -> None:
    """Upstream opens the ports that its own configuration has."""
    if document["metadata"]["name"] == _RUNTIMES_POLICY:
        _open(document, values.ports)


def _open(policy: Document, ports: Mapping[int, int]) -> None:
    for rule in policy["spec"]["ingress"]:
        for entry in rule["ports"]:
            entry["port"] = ports.get(entry["port"], entry["port"])


def _in_one_namespace(document: Document, values: InstallValues) -> None:
    """A controller that sees one namespace takes a ServingRuntime in it for what else is a ClusterServingRuntime."""
    if values.namespace_scope:
        document["kind"] = "ServingRuntime"
        document["metadata"]["namespace"] = values.namespace


def _server_image(document: Document, values: InstallValues) -> None:
    """Upstream leaves the images to kustomize; its containers are named by the type of their server."""
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
