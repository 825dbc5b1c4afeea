"""Models of the table `models.csv` on one runtime, in six resources for any number of lines."""

import csv
from pathlib import Path

import pulumi
import pulumi_modelmesh as mm

NAMESPACE = "many-models"
FORMAT = mm.ModelFormat(name="text", version="1")

config = pulumi.Config()
cluster = mm.Cluster(kubeconfig=config.require("kubeconfig"), context=config.require("context"))
opts = pulumi.ResourceOptions(providers=[cluster.provider("cluster")])
bucket = mm.S3Storage(
    endpoint_url=config.require("endpoint"),
    bucket=config.require("bucket"),
    region=config.require("region"),
    access_key_id=config.require_secret("accessKeyId"),
    secret_access_key=config.require_secret("secretAccessKey"),
)

images = mm.Images.of(registry=config.get("imageRegistry") or "")
namespace = mm.Namespace("namespace", mm.NamespaceArgs(namespace=NAMESPACE), opts).namespace
etcd = mm.Etcd("etcd", mm.EtcdArgs(namespace=namespace, image=str(images.etcd), root_prefix=NAMESPACE), opts)
serving = mm.ModelMeshServing(
    "modelmesh",
    mm.ModelMeshServingArgs(
        cluster=cluster,
        namespace=namespace,
        namespace_name=NAMESPACE,
        etcd=etcd.connection,
        config=mm.ServingConfig(images=images),
    ),
    opts,
)
models = mm.ModelNamespace(
    "models",
    mm.ModelNamespaceArgs(installation=serving.installation, namespace=NAMESPACE, storage={"models": bucket}),
    opts,
)

# Room for 500 models of 2 MiB each in every pod; the others are loaded on demand.
plan = mm.runtimes.MemoryPlan(model_bytes=2 * 2**20, resident_models=500)
spec = mm.mlserver_runtime(image=config.require("image"), formats=[FORMAT], plan=plan)
runtime = mm.ServingRuntime("server", mm.ServingRuntimeArgs(namespace=models, runtime_name="server", spec=spec), opts)

with Path("models.csv").open(encoding="utf-8", newline="") as table:
    services = [
        mm.InferenceServiceArgs(
            namespace=models,
            runtimes=[runtime],
            model_name=row["name"],
            model_format=FORMAT.name,
            storage=mm.ModelPath(path=row["path"], key="models"),
        )
        for row in csv.DictReader(table)
    ]
served = mm.InferenceServices("services", mm.InferenceServicesArgs(services=services), opts).served
pulumi.export("served", served)
