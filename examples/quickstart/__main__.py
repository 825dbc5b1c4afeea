"""A model server and a model, from their folders to an endpoint, on an existing cluster and registry."""

import pulumi
import pulumi_modelmesh as mm

config = pulumi.Config()
images = mm.Images.of(config.get_object("images"))
build = mm.BuildArgs(registry=config.require("registry"), **config.get_object("build") or {})
cluster = mm.Cluster(kubeconfig=config.require("kubeconfig"), context=config.require("context"))
opts = pulumi.ResourceOptions(providers=[cluster.provider("cluster"), mm.image_builder("builder", build)])

ns = mm.Namespace("namespace", mm.NamespaceArgs(namespace=config.name), opts).namespace
etcd = mm.Etcd("etcd", mm.EtcdArgs(namespace=ns, image=str(images.etcd), root_prefix=config.name), opts).connection
minio = mm.Minio("minio", mm.MinioArgs(namespace=ns, image=str(images.minio), bucket="models"), opts)
conf = mm.ServingConfig(images=images, pods_per_runtime=1, rest_proxy=mm.installation.RestProxy(enabled=False))
mesh = mm.ModelMeshServingArgs(cluster=cluster, namespace=ns, namespace_name=config.name, etcd=etcd, config=conf)
installation = mm.ModelMeshServing("modelmesh", mesh, opts).installation
place = mm.ModelNamespaceArgs(installation=installation, namespace=config.name, storage={"default": minio.storage})
team = mm.ModelNamespace("models", place, opts)

built = mm.BuiltImage(build=build, sources={"": "base", "runtime": "server"}, repository="server")
image = mm.RuntimeImage("image", built, opts)
spec = mm.mlserver_runtime(image=image.ref, formats=[mm.ModelFormat(name="text")])
runtime = mm.ServingRuntime("runtime", mm.ServingRuntimeArgs(namespace=team, runtime_name="server", spec=spec), opts)
files = mm.ModelFiles(source="model", build=build)
upload = mm.ModelArtifactArgs(namespace=ns, model_name="demo", files=files, storage=minio.storage)
path = mm.ModelPath(path=mm.ModelArtifact("model", upload, opts).path)
args = mm.InferenceServiceArgs(namespace=team, runtimes=[runtime], model_name="demo", model_format="text", storage=path)
pulumi.export("grpcUrl", mm.InferenceService("service", args, opts).grpc_url)
