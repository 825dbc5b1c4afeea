"""Values that describe an installation of ModelMesh Serving, and the errors of `ClusterGuard`."""

from ..core.ownership import Definitions
from .cluster_guard import ClusterUnreachableError, OwnershipConflictError, WrongClusterError
from .data_plane_tls import DataPlaneTls
from .declared_runtime import DeclaredRuntime
from .installation import Installation, Scope
from .model_namespace import ServedNamespace
from .modelmesh_serving_args import BuiltInRuntime, Controller
from .serving_config import Metrics, PayloadProcessor, Resources, RestProxy, ScaleToZero
from .webhook_certificate import Issuer

__all__ = [
    "BuiltInRuntime",
    "ClusterUnreachableError",
    "Controller",
    "DataPlaneTls",
    "DeclaredRuntime",
    "Definitions",
    "Installation",
    "Issuer",
    "Metrics",
    "OwnershipConflictError",
    "PayloadProcessor",
    "Resources",
    "RestProxy",
    "ScaleToZero",
    "Scope",
    "ServedNamespace",
    "WrongClusterError",
]
