"""Typed resources for all that ModelMesh Serving can express, and for the stores and images that go with it.

- Components are Pulumi resources that are made of others: `ModelMeshServing`, `ServingRuntime`, `InferenceService`, ….
  Each takes a name, a record of arguments called `<Component>Args`, and Pulumi's options, by which providers come.
- Values describe a part of those arguments and make nothing by themselves: `ServingConfig`, `ServingRuntimeSpec`,
  `S3Storage`, …. All are frozen; `dataclasses.replace` makes a changed copy. `mlserver_runtime` makes the spec of
  an MLServer.
- Arguments that cannot work fail every preview: a constructor raises `InvalidSpecError`, with all reasons at once,
  before it registers any resource.
- A `ClusterGuard` ends a run before anything changes: with a `WrongClusterError` on another cluster than the stack's,
  with an `OwnershipConflictError` where objects of another owner have the same names, and in an update with a
  `ClusterUnreachableError` where the API server does not answer.
- An update fails with a `NotRolledOutError` when a runtime's pods do not run its images, and with a `NotServedError`
  when a model does not answer.

Nothing here reads configuration. `InvalidSpecError` has a `Problem` for each reason.
"""

from .core.cluster import Cluster
from .core.problem import InvalidSpecError
from .images.build import BuildArgs, image_builder
from .images.images import ImageRef, Images
from .images.pull_secret import ImagePullSecret, RegistryCredentials
from .images.runtime_image import BuiltImage, PromotedImage, RuntimeImage, RuntimeImageArgs
from .installation.cluster_guard import (
    ClusterGuard,
    ClusterGuardArgs,
    ClusterUnreachableError,
    OwnershipConflictError,
    WrongClusterError,
)
from .installation.data_plane_tls import DataPlaneTls
from .installation.declared_runtime import DeclaredRuntime
from .installation.installation import Installation
from .installation.model_namespace import ModelNamespace, ModelNamespaceArgs
from .installation.modelmesh_serving import ModelMeshServing
from .installation.modelmesh_serving_args import BuiltInRuntime, Controller, ModelMeshServingArgs
from .installation.namespace import Namespace, NamespaceArgs
from .installation.payload_processor import PayloadProcessor
from .installation.serving_config import Metrics, Resources, RestProxy, ScaleToZero, ServingConfig
from .installation.webhook_certificate import WebhookCertificate, WebhookCertificateArgs
from .runtimes.memory_plan import MemoryPlan
from .runtimes.mlserver_runtime import mlserver_runtime
from .runtimes.refresh_type_constraints import RefreshTypeConstraints, RefreshTypeConstraintsArgs
from .runtimes.rollout import NotRolledOutError
from .runtimes.serving_runtime import (
    ClusterServingRuntime,
    ClusterServingRuntimeArgs,
    ServingRuntime,
    ServingRuntimeArgs,
)
from .runtimes.serving_runtime_spec import Autoscaling, BuiltInAdapter, ModelFormat, ServingRuntimeSpec
from .services.inference_service import InferenceService, InferenceServiceArgs
from .services.inference_services import InferenceServices, InferenceServicesArgs
from .services.model_location import ModelPath, StorageUri
from .services.readiness import NotServedError
from .stores.certificate import Certificate, CertificateArgs
from .stores.etcd import Etcd, EtcdArgs
from .stores.etcd_connection import EtcdConnection
from .stores.kept_secret import KeptSecret, KeptSecretArgs
from .stores.minio import Minio, MinioArgs
from .stores.model_artifact import ModelArtifact, ModelArtifactArgs, ModelFiles, PromotedModel
from .stores.stateful_set import Persistence
from .stores.storage import (
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

__all__ = [
    "Autoscaling",
    "AzureStorage",
    "BuildArgs",
    "BuiltImage",
    "BuiltInAdapter",
    "BuiltInRuntime",
    "Certificate",
    "CertificateArgs",
    "Cluster",
    "ClusterGuard",
    "ClusterGuardArgs",
    "ClusterServingRuntime",
    "ClusterServingRuntimeArgs",
    "ClusterUnreachableError",
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
    "InferenceServices",
    "InferenceServicesArgs",
    "Installation",
    "InvalidSpecError",
    "KeptSecret",
    "KeptSecretArgs",
    "MemoryPlan",
    "Metrics",
    "Minio",
    "MinioArgs",
    "ModelArtifact",
    "ModelArtifactArgs",
    "ModelFiles",
    "ModelFormat",
    "ModelMeshServing",
    "ModelMeshServingArgs",
    "ModelNamespace",
    "ModelNamespaceArgs",
    "ModelPath",
    "Namespace",
    "NamespaceArgs",
    "NotRolledOutError",
    "NotServedError",
    "OwnershipConflictError",
    "PayloadProcessor",
    "Persistence",
    "PromotedImage",
    "PromotedModel",
    "PvcStorage",
    "RefreshTypeConstraints",
    "RefreshTypeConstraintsArgs",
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
    "WrongClusterError",
    "image_builder",
    "mlserver_runtime",
]
