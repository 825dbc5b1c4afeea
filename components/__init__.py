"""Typed Pulumi components for KServe ModelMesh Serving, and for the stores and images that go with it.

- Components are Pulumi resources that consist of others: `ModelMeshServing`, `ServingRuntime`, `InferenceService`, ….
  Each takes a name, a record of arguments called `<Component>Args`, and resource options, which pass the providers.
- Values describe a part of those arguments and create nothing by themselves: `ServingConfig`, `ServingRuntimeSpec`,
  `S3Storage`, …. All are frozen; `dataclasses.replace` makes a changed copy. `mlserver_runtime` makes the spec of
  a runtime that runs MLServer.
- `checks.check` checks arguments and documents without creating anything.
- The modules `images`, `stores`, `installation`, `runtimes` and `services` hold the values that few programs need, and
  errors.
- Arguments that cannot work fail every preview: a constructor raises `InvalidSpecError`, with all reasons at once,
  before it registers any resource.
- A `ClusterGuard` ends a run before anything changes: with a `WrongClusterError` on another cluster than the stack's,
  with an `OwnershipConflictError` where objects of another owner have the same names, and in an update with a
  `ClusterUnreachableError` where the API server does not answer.
- An update fails with a `NotRolledOutError` when a runtime's pods do not run its images, and with a `NotServedError`
  when a model does not answer.

Nothing here reads configuration. `InvalidSpecError` has a `Problem` for each reason.
"""

from . import checks, images, installation, runtimes, services, stores
from .core.cluster import Cluster
from .core.problem import InvalidSpecError
from .images.build import BuildArgs, image_builder
from .images.images import Images
from .images.runtime_image import BuiltImage, RuntimeImage
from .installation.cluster_guard import ClusterGuard
from .installation.model_namespace import ModelNamespace, ModelNamespaceArgs
from .installation.modelmesh_serving import ModelMeshServing
from .installation.modelmesh_serving_args import ModelMeshServingArgs
from .installation.namespace import Namespace, NamespaceArgs
from .installation.ownership_rules import ClusterGuardArgs
from .installation.serving_config import ServingConfig
from .runtimes.mlserver_runtime import mlserver_runtime
from .runtimes.serving_runtime import ServingRuntime, ServingRuntimeArgs
from .runtimes.serving_runtime_spec import ModelFormat, ServingRuntimeSpec
from .services.inference_service import InferenceService, InferenceServiceArgs
from .services.inference_services import InferenceServices, InferenceServicesArgs
from .services.model_location import ModelPath
from .stores.etcd import Etcd, EtcdArgs
from .stores.minio import Minio, MinioArgs
from .stores.model_artifact import ModelArtifact, ModelArtifactArgs, ModelFiles
from .stores.storage import S3Storage

__all__ = [
    "BuildArgs",
    "BuiltImage",
    "Cluster",
    "ClusterGuard",
    "ClusterGuardArgs",
    "Etcd",
    "EtcdArgs",
    "Images",
    "InferenceService",
    "InferenceServiceArgs",
    "InferenceServices",
    "InferenceServicesArgs",
    "InvalidSpecError",
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
    "RuntimeImage",
    "S3Storage",
    "ServingConfig",
    "ServingRuntime",
    "ServingRuntimeArgs",
    "ServingRuntimeSpec",
    "checks",
    "image_builder",
    "images",
    "installation",
    "mlserver_runtime",
    "runtimes",
    "services",
    "stores",
]
