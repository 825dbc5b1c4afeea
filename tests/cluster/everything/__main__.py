"""All that the typed resources can express, on one cluster: what two teams with a mesh of their own would declare.

Two model namespaces beside the controller's, stores on volumes, TLS in the data plane, upstream's runtimes, every kind
of storage entry and of runtime. Only the two runtimes that have a model are ever started.
"""

import dataclasses
import datetime
import os

import pulumi
from pulumi_kubernetes import core
from pulumi_kubernetes.core import v1

import components as mm
import settings

MODEL = "sentiment"
FORMAT = mm.ModelFormat(name="custom-model", version="1")

s = settings.load()
guard = mm.ClusterGuard("guard", s.guard())
kube = s.cluster.provider("cluster", kubeconfig=guard.kubeconfig)
opts = pulumi.ResourceOptions(providers=[kube, mm.image_builder("builder", s.build)])

image = mm.RuntimeImage("runtime", s.runtime_image(), opts)
ns = mm.Namespace("namespace", mm.NamespaceArgs(namespace=s.namespace, serves_models=False), opts).namespace
etcd = mm.Etcd("etcd", s.etcd(namespace=ns), opts)
# Without a volume: the models come back after a restart, because they are kept published.
minio = mm.Minio("minio", dataclasses.replace(s.minio(namespace=ns), persistence=None), opts)

config = dataclasses.replace(
    s.serving,
    service_account_name="modelmesh",
    access_logging=True,
    allow_any_pvc=True,
    pod_labels={"team": "both"},
    pod_annotations={"example.com/owner": "both"},
    payload_processors=[mm.installation.PayloadProcessor(scheme="logger", model_id="none")],
    image_pull_secrets=[
        mm.images.ImagePullSecret(
            name="mirror",
            credentials=[
                mm.images.RegistryCredentials(registry="mirror.example.com", username="team", password="unused")  # noqa: S106
            ],
        )
    ],
)
installation = dataclasses.replace(
    s.installation(namespace=ns, etcd=etcd.connection),
    model_namespaces=["team-a", "team-b"],
    config=config,
    tls=mm.installation.DataPlaneTls(client_auth="require"),
)
if "TODAY" in os.environ:
    installation = dataclasses.replace(installation, today=datetime.date.fromisoformat(os.environ["TODAY"]))
serving = mm.ModelMeshServing("modelmesh", installation, opts)

model = mm.ModelArtifact("model", s.model(namespace=ns, storage=minio.storage), opts)

# Team a names its store; the other entries are there to be accepted.
team_a = mm.ModelNamespace(
    "team-a",
    mm.ModelNamespaceArgs(
        installation=serving.installation,
        namespace="team-a",
        storage={
            "models": minio.storage,
            "elsewhere": mm.stores.GcsStorage(bucket="models"),
            "azure": mm.stores.AzureStorage(account_name="account", container="models"),
            "web": mm.stores.HttpStorage(url="https://models.example.com", headers={"Authorization": "Bearer unused"}),
        },
    ),
    opts,
)
# Team b has a default store, and a volume that all its runtime pods mount.
team_b = mm.ModelNamespace(
    "team-b",
    mm.ModelNamespaceArgs(
        installation=serving.installation,
        namespace="team-b",
        storage={"default": minio.storage, "shared": mm.stores.PvcStorage(claim_name="shared-models")},
    ),
    opts,
)
claim = core.v1.PersistentVolumeClaim(
    "shared-models",
    metadata={
        "name": "shared-models",
        "namespace": team_b.namespace,
        "annotations": {"pulumi.com/skipAwait": "true"},  # it is bound when the first pod wants it
    },
    spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}}},
    opts=opts,
)

served = {}
for team, spec in {
    team_a: mm.mlserver_runtime(image=image.ref, formats=[FORMAT], cpu_request="50m", memory="512Mi"),
    team_b: mm.mlserver_runtime(
        image=image.ref,
        formats=[FORMAT],
        cpu_request="50m",
        plan=mm.runtimes.MemoryPlan(model_bytes=2**20, resident_models=50, server_bytes=256 * 2**20),
    ),
}.items():
    after_claim = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[claim]))
    served[team] = mm.ServingRuntime(
        f"{team.namespace_name}-custom",
        mm.ServingRuntimeArgs(namespace=team, runtime_name=s.runtime_name, spec=spec),
        after_claim,
    )

services = [
    mm.InferenceService(
        "by-path",
        mm.InferenceServiceArgs(
            namespace=team_a,
            runtimes=[served[team_a]],
            model_name=MODEL,
            model_format=FORMAT.name,
            model_format_version=FORMAT.version,
            storage=mm.ModelPath(path=model.path, key="models"),
            labels={"team": "a"},
        ),
        opts,
    ),
    mm.InferenceService(
        "by-uri",
        mm.InferenceServiceArgs(
            namespace=team_b,
            runtimes=[served[team_b]],
            model_name=MODEL,
            model_format=FORMAT.name,
            runtime=s.runtime_name,
            protocol_version="grpc-v2",
            storage=mm.services.StorageUri(
                uri=pulumi.Output.format("s3://{0}/{1}", s.values["bucket"], model.path), key="default"
            ),
        ),
        opts,
    ),
]


def server(name: str = "server", **fields: object) -> v1.ContainerArgs:
    """A container that is described and never started."""
    resources = v1.ResourceRequirementsArgs(
        requests={"cpu": "100m", "memory": "256Mi"}, limits={"cpu": "1", "memory": "256Mi"}
    )
    return v1.ContainerArgs(name=name, image="server.example.com/server:1", resources=resources, **fields)  # type: ignore[arg-type]


NEVER_STARTED = {
    "own-adapter": mm.ServingRuntimeSpec(
        containers=[server(), server("adapter")],
        supported_model_formats=[mm.ModelFormat(name="own-format")],
        grpc_endpoint="unix:/var/run/mesh/adapter.sock",
        grpc_data_endpoint="unix:/var/run/mesh/server.sock",
    ),
    "pullerless": mm.ServingRuntimeSpec(
        containers=[server()],
        supported_model_formats=[mm.ModelFormat(name="baked-in", version="2")],
        grpc_endpoint="port:9000",
        storage_helper_disabled=True,
    ),
    "placed": mm.ServingRuntimeSpec(
        containers=[server(volume_mounts=[v1.VolumeMountArgs(name="scratch", mount_path="/scratch")])],
        supported_model_formats=[mm.ModelFormat(name="placed", auto_select=False)],
        protocol_versions=["grpc-v1"],
        grpc_endpoint="port:9000",
        grpc_data_endpoint="port:9001",
        replicas=3,
        volumes=[v1.VolumeArgs(name="scratch", empty_dir=v1.EmptyDirVolumeSourceArgs())],
        node_selector={"kubernetes.io/os": "linux"},
        tolerations=[v1.TolerationArgs(key="models", operator="Exists", effect="NoSchedule")],
        affinity=v1.AffinityArgs(
            pod_anti_affinity=v1.PodAntiAffinityArgs(
                preferred_during_scheduling_ignored_during_execution=[
                    v1.WeightedPodAffinityTermArgs(
                        weight=1, pod_affinity_term=v1.PodAffinityTermArgs(topology_key="kubernetes.io/hostname")
                    )
                ]
            )
        ),
        labels={"tier": "models"},
        annotations={"example.com/note": "placed"},
        image_pull_secrets=["mirror"],
    ),
    "autoscaled": dataclasses.replace(
        mm.mlserver_runtime(image="server.example.com/server:1", formats=[mm.ModelFormat(name="scaled")]),
        autoscaling=mm.runtimes.Autoscaling(
            min_replicas=1, max_replicas=3, metric="memory", target_utilization_percentage=70
        ),
        max_loading_concurrency=2,
        per_model_concurrency_limit=8,
    ),
}
for runtime_name, spec in NEVER_STARTED.items():
    mm.ServingRuntime(runtime_name, mm.ServingRuntimeArgs(namespace=team_a, runtime_name=runtime_name, spec=spec), opts)
mm.ServingRuntime(
    "disabled",
    mm.ServingRuntimeArgs(
        namespace=team_b,
        runtime_name="disabled",
        spec=dataclasses.replace(NEVER_STARTED["pullerless"], disabled=True),
    ),
    opts,
)
mm.runtimes.ClusterServingRuntime(
    "shared",
    mm.runtimes.ClusterServingRuntimeArgs(
        installation=serving.installation,
        namespaces=[team_a, team_b],
        runtime_name="shared",
        spec=NEVER_STARTED["own-adapter"],
    ),
    opts,
)

pulumi.export("urls", [service.grpc_url for service in services])
pulumi.export("ca", serving.tls_ca)
