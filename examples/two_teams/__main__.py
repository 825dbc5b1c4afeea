"""Two teams on one ModelMesh Serving, each with a separate namespace, bucket and mesh."""

import pulumi
import pulumi_modelmesh as mm

TEAMS = ("team-a", "team-b")
FORMAT = mm.ModelFormat(name="text", version="1")

config = pulumi.Config()
cluster = mm.Cluster(kubeconfig=config.require("kubeconfig"), context=config.require("context"))
guard = mm.ClusterGuard(
    "guard",
    mm.ClusterGuardArgs(
        cluster=cluster,
        namespace_names=["mesh-system", *TEAMS],
        controller_namespace="mesh-system",
        scope="cluster",
        definitions="kept",
    ),
)
opts = pulumi.ResourceOptions(providers=[cluster.provider("cluster", kubeconfig=guard.kubeconfig)])

# One installation for both teams; its etcd keeps the registry of models on a volume.
images = mm.Images.of(registry=config.get("imageRegistry") or "")
system = mm.Namespace("system", mm.NamespaceArgs(namespace="mesh-system", serves_models=False), opts).namespace
etcd = mm.Etcd(
    "etcd",
    mm.EtcdArgs(
        namespace=system,
        image=str(images.etcd),
        root_prefix="mesh-system",
        persistence=mm.stores.Persistence(size="2Gi"),
    ),
    opts,
)
serving = mm.ModelMeshServing(
    "modelmesh",
    mm.ModelMeshServingArgs(
        cluster=cluster,
        namespace=system,
        namespace_name="mesh-system",
        model_namespaces=TEAMS,
        etcd=etcd.connection,
        config=mm.ServingConfig(images=images),
        tls=mm.installation.DataPlaneTls(),
    ),
    opts,
)

for team in TEAMS:
    own = pulumi.Config(team)
    # Only pods in the team's namespace can read this bucket's credentials.
    bucket = mm.S3Storage(
        endpoint_url=own.require("endpoint"),
        bucket=own.require("bucket"),
        region=own.require("region"),
        access_key_id=own.require_secret("accessKeyId"),
        secret_access_key=own.require_secret("secretAccessKey"),
    )
    namespace = mm.ModelNamespace(
        team,
        mm.ModelNamespaceArgs(installation=serving.installation, namespace=team, storage={"models": bucket}),
        opts,
    )
    runtime = mm.ServingRuntime(
        f"{team}-server",
        mm.ServingRuntimeArgs(
            namespace=namespace,
            runtime_name="server",
            spec=mm.mlserver_runtime(image=own.require("image"), formats=[FORMAT]),
        ),
        opts,
    )
    service = mm.InferenceService(
        f"{team}-classifier",
        mm.InferenceServiceArgs(
            namespace=namespace,
            runtimes=[runtime],
            model_name="classifier",
            model_format=FORMAT.name,
            storage=mm.ModelPath(path=own.require("path"), key="models"),
        ),
        opts,
    )
    pulumi.export(f"{team}-url", service.grpc_url)

pulumi.export("ca", serving.tls_ca)
