"""The pinned manifests of ModelMesh Serving: found, verified by digest, read, patched; and the schemas of their CRDs.

Nothing of them is kept in this repository. This package makes no resource: it hands plain documents to the components.
"""

from .documents import Document, documents
from .patches import patched
from .schemas import spec_problems
from .site import Site
from .source import VERSION, config_tree
from .wanted import cluster_wide, wanted

__all__ = [
    "VERSION",
    "Document",
    "Site",
    "cluster_wide",
    "config_tree",
    "documents",
    "patched",
    "spec_problems",
    "wanted",
]
