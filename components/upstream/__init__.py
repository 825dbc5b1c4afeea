"""The pinned manifests of ModelMesh Serving: found, verified by digest, read, patched; and the schemas of their CRDs.

Nothing of them is kept in this repository. This package makes no resource: it hands plain documents to the components.
"""

from .documents import Document, documents
from .install_documents import cluster_scoped_objects, install_documents
from .install_values import InstallValues
from .patches import patched
from .schemas import spec_problems
from .source import VERSION, config_tree

__all__ = [
    "VERSION",
    "Document",
    "InstallValues",
    "cluster_scoped_objects",
    "config_tree",
    "documents",
    "install_documents",
    "patched",
    "spec_problems",
]
