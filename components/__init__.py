"""The parts of a stack, each a Pulumi component with a frozen record of arguments beside it.

None of them reads configuration. Providers come by inheritance from the stack.
"""

from .certificate import Certificate, CertificateArgs
from .cluster import Cluster
from .data_plane_tls import DataPlaneTls
from .declared_runtime import DeclaredRuntime
from .etcd import Etcd, EtcdArgs
from .etcd_connection import EtcdConnection
from .images import STAND_IN, ImageRef, Images
from .inference_service import InferenceService, InferenceServiceArgs
from .installation import Installation
from .invalid_spec import InvalidSpec
from .kept_secret import KeptSecret, KeptSecretArgs
from .memory_plan import MemoryPlan
from .minio import Minio, MinioArgs
from .mlserver_runtime import mlserver_runtime
from .model_artifact import ModelArtifact, ModelArtifactArgs
from .model_location import ModelPath, StorageUri
from .model_namespace import ModelNamespace, ModelNamespaceArgs
from .modelmesh_serving import BuiltInRuntime, Controller, ModelMeshServing, ModelMeshServingArgs
from .namespace import Namespace, NamespaceArgs
from .payload_processor import PayloadProcessor
from .pull_secret import ImagePullSecret, RegistryCredentials
from .runtime_image import BuildArgs, RuntimeImage, RuntimeImageArgs
from .serving_config import Metrics, Resources, RestProxy, ScaleToZero, ServingConfig
from .serving_runtime import ClusterServingRuntime, ClusterServingRuntimeArgs, ServingRuntime, ServingRuntimeArgs
from .serving_runtime_spec import Autoscaling, BuiltInAdapter, ModelFormat, ServingRuntimeSpec
from .stateful_set import Persistence
from .storage import (
    AzureStorage,
    ExistingStorage,
    GcsStorage,
    HttpStorage,
    PvcStorage,
    S3Storage,
    Storage,
    StorageConfig,
    StorageConfigArgs,
)
from .webhook_certificate import WebhookCertificate, WebhookCertificateArgs

__all__ = [
    "STAND_IN",
    "Autoscaling",
    "AzureStorage",
    "BuildArgs",
    "BuiltInAdapter",
    "BuiltInRuntime",
    "Certificate",
    "CertificateArgs",
    "Cluster",
    "ClusterServingRuntime",
    "ClusterServingRuntimeArgs",
    "Controller",
    "DataPlaneTls",
    "DeclaredRuntime",
    "Etcd",
    "EtcdArgs",
    "EtcdConnection",
    "ExistingStorage",
    "GcsStorage",
    "HttpStorage",
    "ImagePullSecret",
    "ImageRef",
    "Images",
    "InferenceService",
    "InferenceServiceArgs",
    "Installation",
    "InvalidSpec",
    "KeptSecret",
    "KeptSecretArgs",
    "MemoryPlan",
    "Metrics",
    "Minio",
    "MinioArgs",
    "ModelArtifact",
    "ModelArtifactArgs",
    "ModelFormat",
    "ModelMeshServing",
    "ModelMeshServingArgs",
    "ModelNamespace",
    "ModelNamespaceArgs",
    "ModelPath",
    "Namespace",
    "NamespaceArgs",
    "PayloadProcessor",
    "Persistence",
    "PvcStorage",
    "RegistryCredentials",
    "Resources",
    "RestProxy",
    "RuntimeImage",
    "RuntimeImageArgs",
    "S3Storage",
    "ScaleToZero",
    "ServingConfig",
    "ServingRuntime",
    "ServingRuntimeArgs",
    "ServingRuntimeSpec",
    "Storage",
    "StorageConfig",
    "StorageConfigArgs",
    "StorageUri",
    "WebhookCertificate",
    "WebhookCertificateArgs",
    "mlserver_runtime",
]
