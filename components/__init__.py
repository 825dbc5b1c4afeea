"""Typed resources for all that ModelMesh Serving can express, and for the stores and images that go with it.

- Components are Pulumi resources that are made of others: `ModelMeshServing`, `ServingRuntime`, `InferenceService`, ….
  Each takes a name, a record of arguments called `<Component>Args`, and Pulumi's options, by which providers come.
- Values describe a part of those arguments and make nothing by themselves: `ServingConfig`, `ServingRuntimeSpec`,
  `S3Storage`, …. All are frozen; `dataclasses.replace` makes a changed copy. `mlserver_runtime` makes the spec of
  an MLServer.
- What could not work is an error in every preview: a constructor raises `InvalidSpec`, with all reasons at once, before
  it has registered anything.
- A `ClusterGuard` ends a run before anything changes: `AnotherCluster` than the stack was made on, objects there that
  are `NotOurs`, or `ClusterOutOfReach` of an update.
- What turns out wrong on the cluster ends an update: `NotRolledOut` when a runtime's pods do not run its images,
  `NotServed` when a model does not answer.

Nothing here reads configuration. The rules behind `InvalidSpec` are in `rules`, upstream's manifests in `upstream`, and
what is asked of the cluster in `waiting`.
"""

from .build import BuildArgs, image_builder
from .certificate import Certificate, CertificateArgs
from .cluster import Cluster
from .cluster_guard import AnotherCluster, ClusterGuard, ClusterGuardArgs, ClusterOutOfReach, NotOurs
from .constraints_seen import ConstraintsSeen, ConstraintsSeenArgs
from .data_plane_tls import DataPlaneTls
from .declared_runtime import DeclaredRuntime
from .etcd import Etcd, EtcdArgs
from .etcd_connection import EtcdConnection
from .images import STAND_IN, ImageRef, Images
from .inference_service import InferenceService, InferenceServiceArgs
from .inference_services import InferenceServices, InferenceServicesArgs
from .installation import Installation
from .invalid_spec import InvalidSpec
from .kept_secret import KeptSecret, KeptSecretArgs
from .memory_plan import MemoryPlan
from .minio import Minio, MinioArgs
from .mlserver_runtime import mlserver_runtime
from .model_artifact import ModelArtifact, ModelArtifactArgs, ModelFiles, PromotedModel
from .model_location import ModelPath, StorageUri
from .model_namespace import ModelNamespace, ModelNamespaceArgs
from .modelmesh_serving import ModelMeshServing
from .modelmesh_serving_args import BuiltInRuntime, Controller, ModelMeshServingArgs
from .namespace import Namespace, NamespaceArgs
from .payload_processor import PayloadProcessor
from .pull_secret import ImagePullSecret, RegistryCredentials
from .runtime_image import BuiltImage, PromotedImage, RuntimeImage, RuntimeImageArgs
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
from .waiting.readiness import NotServed
from .waiting.rollout import NotRolledOut
from .webhook_certificate import WebhookCertificate, WebhookCertificateArgs

__all__ = [
    "STAND_IN",
    "AnotherCluster",
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
    "ClusterOutOfReach",
    "ClusterServingRuntime",
    "ClusterServingRuntimeArgs",
    "ConstraintsSeen",
    "ConstraintsSeenArgs",
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
    "InvalidSpec",
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
    "NotOurs",
    "NotRolledOut",
    "NotServed",
    "PayloadProcessor",
    "Persistence",
    "PromotedImage",
    "PromotedModel",
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
    "image_builder",
    "mlserver_runtime",
]
