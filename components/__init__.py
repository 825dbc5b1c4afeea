"""The parts of a stack, each a Pulumi component with a frozen record of arguments beside it.

None of them reads configuration. Providers come by inheritance from the stack.
"""

from .cluster import Cluster
from .etcd import Etcd, EtcdArgs
from .images import STAND_IN, ImageRef, Images
from .inference_service import InferenceService, InferenceServiceArgs
from .invalid_spec import InvalidSpec
from .kept_secret import KeptSecret, KeptSecretArgs
from .minio import Minio, MinioArgs
from .model_artifact import ModelArtifact, ModelArtifactArgs
from .modelmesh_serving import ModelMeshServing, ModelMeshServingArgs
from .namespace import ModelNamespace, ModelNamespaceArgs
from .runtime_image import BuildArgs, RuntimeImage, RuntimeImageArgs
from .serving_config import Resources, ServingConfig
from .serving_runtime import ModelFormat, ServingRuntime, ServingRuntimeArgs
from .storage import S3Storage, StorageConfig, StorageConfigArgs
from .webhook_certificate import WebhookCertificate, WebhookCertificateArgs

__all__ = [
    "STAND_IN",
    "BuildArgs",
    "Cluster",
    "Etcd",
    "EtcdArgs",
    "ImageRef",
    "Images",
    "InferenceService",
    "InferenceServiceArgs",
    "InvalidSpec",
    "KeptSecret",
    "KeptSecretArgs",
    "Minio",
    "MinioArgs",
    "ModelArtifact",
    "ModelArtifactArgs",
    "ModelFormat",
    "ModelMeshServing",
    "ModelMeshServingArgs",
    "ModelNamespace",
    "ModelNamespaceArgs",
    "Resources",
    "RuntimeImage",
    "RuntimeImageArgs",
    "S3Storage",
    "ServingConfig",
    "ServingRuntime",
    "ServingRuntimeArgs",
    "StorageConfig",
    "StorageConfigArgs",
    "WebhookCertificate",
    "WebhookCertificateArgs",
]
