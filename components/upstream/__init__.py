"""The pinned manifests of ModelMesh Serving: fetched, verified by digest, read and patched, and their CRD schemas.

No manifest is in this repository. This package gives plain documents to the components, which create the resources.
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
