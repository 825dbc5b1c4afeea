"""Wrong arguments, each with the error that mypy gives for it; read by mypy only, never run.

mypy also complains where an expected error does not come up, so `make lint` fails when a type gets loose.
"""

import pulumi
from pulumi_kubernetes.core import v1

import components as mm
from components.core.jobs import job, job_container


def wrong(image: pulumi.Output[str], namespace: mm.ModelNamespace) -> None:
    """Each call but the first is wrong."""
    storage = mm.ModelPath(path="a/model", key="models")

    mm.ModelFormat(name=1)  # type: ignore[arg-type]
    mm.ModelFormat(nme="sklearn")  # type: ignore[call-arg]
    mm.ServingRuntimeSpec(containers=["mlserver"], supported_model_formats=[])  # type: ignore[list-item]
    mm.ServingRuntimeSpec(containers=[v1.ContainerArgs(image=image)], supported_model_formats=[])  # type: ignore[call-arg]
    mm.ServingRuntimeSpec(containers=[], supported_model_formats=[], replicas="2")  # type: ignore[arg-type]
    mm.ServingRuntimeSpec(containers=[], supported_model_formats=[], protocol_versions=["grpc"])  # type: ignore[list-item]
    mm.ServingRuntimeSpec(containers=[], supported_model_formats=[], volumes=[{"name": "x"}])  # type: ignore[list-item]
    mm.runtimes.Autoscaling(metric="gpu")  # type: ignore[arg-type]
    mm.mlserver_runtime(image=image)  # type: ignore[call-arg]
    mm.mlserver_runtime(image=image, formats=["custom-model"])  # type: ignore[list-item]
    mm.mlserver_runtime(image=image, formats=[], memory=1024)  # type: ignore[arg-type]
    mm.ServingRuntimeArgs(namespace="models", runtime_name="x", spec=mm.mlserver_runtime(image=image, formats=[]))  # type: ignore[arg-type]
    mm.ServingRuntime("runtime", mm.ModelFormat(name="x"))  # type: ignore[arg-type]
    mm.InferenceServiceArgs(  # type: ignore[call-arg]
        namespace=namespace, model_name="x", model_format="y", storage=storage, transformer={"containers": []}
    )
    mm.InferenceServiceArgs(namespace=namespace, model_name="x", model_format="y", storage="s3://models/x")  # type: ignore[arg-type]
    mm.InferenceServiceArgs(namespace=namespace, runtimes=["x"], model_name="x", model_format="y", storage=storage)  # type: ignore[list-item]
    mm.S3Storage(endpoint_url="https://s3.example.com", bucket="models")  # type: ignore[call-arg]
    mm.stores.Persistence(size=10)  # type: ignore[arg-type]
    mm.installation.DataPlaneTls(client_auth="always")  # type: ignore[arg-type]
    mm.installation.PayloadProcessor(scheme="https")  # type: ignore[arg-type]


def wrong_jobs(image: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
    """Each call is wrong."""
    job("x", namespace="models", containers=[], bakcoff_limit=3, opts=opts)  # type: ignore[call-arg]
    job("x", namespace="models", containers=[{"image": image}], opts=opts)  # type: ignore[list-item]
    job("x", namespace="models", containers=[], deadline_seconds="600", opts=opts)  # type: ignore[arg-type]
    job("x", namespace="models", containers=[], volumes=[v1.VolumeArgs(name="x", emptydir={})], opts=opts)  # type: ignore[call-arg]
    job_container("publish", image, enviroment=[], requests={}, limits={})  # type: ignore[call-arg]
    job_container("publish", image, env=[{"name": "x"}], requests={}, limits={})  # type: ignore[list-item]
