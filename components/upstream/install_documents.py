"""Selection of the documents of an installation, and of the cluster-scoped objects among them."""

from collections.abc import Iterator

from .documents import Document, documents

DEFINITION = "CustomResourceDefinition"
WEBHOOK = "ValidatingWebhookConfiguration"
CLUSTER_SCOPED_KINDS = frozenset({DEFINITION, "ClusterRole", "ClusterRoleBinding", "ClusterServingRuntime", WEBHOOK})
"""Kinds of cluster-scoped objects."""

_CLUSTER_RUNTIMES = "clusterservingruntimes.serving.kserve.io"


def install_documents(
    *, namespace_scope: bool, definitions: bool = True, network_policies: bool = True
) -> Iterator[Document]:
    """Yield upstream's documents for this scope, definitions first and the controller last."""
    for folder in ("crd", f"rbac/{'namespace' if namespace_scope else 'cluster'}-scope", "webhook", "manager"):
        for document in documents(folder):
            skipped = (
                (document["kind"] == DEFINITION and not definitions)
                or (document["kind"] == "NetworkPolicy" and not network_policies)
                # A controller of namespace scope does not read this kind.
                or (document["metadata"]["name"] == _CLUSTER_RUNTIMES and namespace_scope)
            )
            if not skipped:
                yield document


def object_name(document: Document, *, namespace: str, namespace_scope: bool) -> str:
    """Return the name of the document's object in an installation.

    A cluster may have many installations of namespace scope, so objects that they cannot share start with the name of
    their namespace.
    """
    name: str = document["metadata"]["name"]
    return f"{namespace}.{name}" if namespace_scope and document["kind"] == WEBHOOK else name


def cluster_scoped_objects(*, namespace: str, namespace_scope: bool, definitions: bool = True) -> list[Document]:
    """Return kind and name of an installation's cluster-scoped objects, except upstream's runtimes."""
    return [
        {
            "apiVersion": document["apiVersion"],
            "kind": document["kind"],
            "metadata": {"name": object_name(document, namespace=namespace, namespace_scope=namespace_scope)},
        }
        for document in install_documents(namespace_scope=namespace_scope, definitions=definitions)
        if document["kind"] in CLUSTER_SCOPED_KINDS
    ]
