"""A model server of one's own and a model for it, served by KServe ModelMesh: the stack, from source to endpoint."""

import pulumi
import pulumi_docker_build as docker_build
import pulumi_kubernetes as kubernetes

import components as mm
import settings

s = settings.load()

# Where everything goes, said once. The identifier keeps a moved or rewritten kubeconfig from replacing all of it.
kube = kubernetes.Provider(
    "cluster",
    kubeconfig=s.cluster.kubeconfig,
    context=s.cluster.context,
    cluster_identifier=f"{pulumi.get_project()}/{pulumi.get_stack()}",
    enable_server_side_apply=True,
    enable_config_map_mutable=True,
    enable_secret_mutable=True,
)
opts = pulumi.ResourceOptions(providers=[kube, docker_build.Provider("builder")])

# The model server, from source to an image by digest.
image = mm.RuntimeImage(
    "runtime", mm.RuntimeImageArgs(build=s.build, source=s.runtime_source, repository=s.runtime_name), opts
)

# The stores, ModelMesh Serving on them, and the namespace whose models it serves.
ns = mm.Namespace("namespace", s.controller_namespace(), opts).namespace
etcd = mm.Etcd("etcd", s.etcd(namespace=ns), opts)
minio = mm.Minio("minio", s.minio(namespace=ns), opts)
serving = mm.ModelMeshServing("modelmesh", s.installation(namespace=ns, etcd=etcd.connection), opts)
models = mm.ModelNamespace("models", s.models(serving.installation, storage=minio.storage), opts)

# The runtime, the model, and the service that has the one serve the other.
runtime = mm.ServingRuntime("runtime", s.runtime(namespace=models, image=image.ref), opts)
# MinIO has to answer before the model is uploaded, and no value of it tells.
after_minio = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[minio]))
model = mm.ModelArtifact("model", s.model(namespace=ns, storage=minio.storage), after_minio)
service = mm.InferenceService("service", s.service(namespace=models, runtime=runtime, path=model.path), opts)

pulumi.export("namespace", models.namespace_name)
pulumi.export("image", image.ref)
pulumi.export("modelDigest", model.digest)
pulumi.export("inferenceService", s.inference_service)
pulumi.export("grpcUrl", service.grpc_url)
if s.serving.rest_proxy.enabled:
    pulumi.export("restUrl", service.rest_url)
pulumi.export("meshImage", str(s.images.modelmesh))
if mm.STAND_IN in s.images.modelmesh.name:
    pulumi.export(
        "meshNote", "solo mesh stands in for ModelMesh here: one pod per runtime, no placement, copies or scaling"
    )
