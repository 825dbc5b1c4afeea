"""A custom model server and its model on KServe ModelMesh: the stack from source code to endpoint."""

import gc
from dataclasses import replace

gc.disable()  # it would take a fifth of the time of this program, which needs most of what it makes to its end

import pulumi  # noqa: E402

import components as mm  # noqa: E402
import settings  # noqa: E402
from settings.stand_in import stands_in  # noqa: E402

s = settings.load()

# The cluster of all resources: that on which the stack was created, without objects of other owners.
guard = settings.cluster_guard("guard", s)
kube = s.cluster.provider("cluster", kubeconfig=guard.kubeconfig)
opts = pulumi.ResourceOptions(providers=[kube, mm.image_builder("builder", s.build)])

# The model server: from source to an image by digest, or the digest that another stack built.
image = mm.RuntimeImage("runtime", s.runtime_image(), opts)

# The stores, unless the stack names some elsewhere; ModelMesh Serving on them, and the namespace that models are in.
ns = mm.Namespace("namespace", s.controller_namespace(), opts).namespace
etcd = s.outside_etcd or mm.Etcd("etcd", s.etcd(namespace=ns), opts).connection
storage = s.s3 or mm.Minio("minio", s.minio(namespace=ns), opts).storage
serving = mm.ModelMeshServing("modelmesh", s.installation(namespace=ns, etcd=etcd), opts)
models = mm.ModelNamespace("models", s.models(serving.installation, storage=storage), opts)

# The runtime, the model, and the service that has the one serve the other.
model = mm.ModelArtifact("model", s.model(namespace=ns, storage=storage), opts)
wanted = s.runtime(namespace=models, image=image.ref)
if gate := s.runtime_gate(runtime=wanted, path=model.path, image=image.ref):
    wanted = replace(wanted, after=[mm.services.RuntimeGate("golden-runtime", gate, opts)])
runtime = mm.ServingRuntime("runtime", wanted, opts)
first = s.service(namespace=models, runtime=runtime, path=model.path, image=image.ref)
service = mm.InferenceService("service", first, opts)
# More models on it, however many: a few resources and one line of progress for all.
if s.more_models:
    pulumi.export("models", mm.InferenceServices("more-models", s.more_services(first), opts).served)

pulumi.export("namespace", models.namespace_name)
pulumi.export("cluster", guard.cluster)
# What `make promote` hands on to the next stack.
pulumi.export("image", image.ref)
pulumi.export("modelImage", model.image)
pulumi.export("modelDigest", model.digest)
pulumi.export("inferenceService", s.inference_service)
pulumi.export("modelNames", s.model_names())
pulumi.export("grpcUrl", service.grpc_url)
if s.serving.rest_proxy.enabled:
    pulumi.export("restUrl", service.rest_url)
if serving.tls_ca:
    pulumi.export("tlsCa", serving.tls_ca)
    pulumi.export("tlsSecret", serving.installation.tls_secret)
pulumi.export("meshImage", str(s.images.modelmesh))
if stands_in(s.images):
    pulumi.export(
        "meshNote", "solo mesh stands in for ModelMesh here: one pod per runtime, no placement, copies or scaling"
    )
