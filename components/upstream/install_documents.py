"""Which of upstream's documents an installation is made of, and which of them are objects of the whole cluster."""

from collections.abc import Iterator

from .documents import Document, documents

DEFINITION = "CustomResourceDefinition"
WEBHOOK = "ValidatingWebhookConfiguration"
CLUSTER_SCOPED_KINDS = frozenset({DEFINITION, "ClusterRole", "ClusterRoleBinding", "ClusterServingRuntime", WEBHOOK})
"""Kinds that no namespace holds."""

_CLUSTER_RUNTIMES = "clusterservingruntimes.serving.kserve.io"


def install_documents(
    *, namespace_scope: bool, definitions: bool = True, network_policies: bool = True
) -> Iterator[Document]:
    """Upstream's documents for this scope, definitions first and the controller last."""
    for folder in ("crd", f"rbac/{'namespace' if namespace_scope else 'cluster'}-scope", "webhook", "manager"):
        for document in documents(folder):
            skipped = (
                (document["kind"] == DEFINITION and not definitions)
                or (document["kind"] == "NetworkPolicy" and not network_policies)
                # Nobody looks for them there.
                or (document["metadata"]["name"] == _CLUSTER_RUNTIMES and namespace_scope)
            )
            if not skipped:
                yield document


def object_name(document: Document, *, namespace: str, namespace_scope: bool) -> str:
    """What an installation calls the document's object.

    Installations of namespace scope live side by side, so what they cannot share is called after their namespace.
    """
    name: str = document["metadata"]["name"]
    return f"{namespace}.{name}" if namespace_scope and document["kind"] == WEBHOOK else name


def cluster_scoped_objects(*, namespace: str, namespace_scope: bool, definitions: bool = True) -> list[Document]:
    """Kind and name of those objects of an installation that no namespace holds; upstream's runtimes are left out."""
    return [
        {
            "apiVersion": document["apiVersion"],
            "kind": document["kind"],
            "metadata": {"name": object_name(document, namespace=namespace, namespace_scope=namespace_scope)},
        }
        for document in install_documents(namespace_scope=namespace_scope, definitions=definitions)
        if document["kind"] in CLUSTER_SCOPED_KINDS
    ]
