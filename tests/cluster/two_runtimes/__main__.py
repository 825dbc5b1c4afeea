"""Model servers in one namespace: the example, one that `make new-runtime` made, and one of scikit-learn pipelines.

Each goes from its source to a served model; what they share is installed once.
"""

from dataclasses import dataclass
from pathlib import Path

import pulumi

import components as mm
import settings


@dataclass(frozen=True)
class Server:
    """A model server, and the model that shows what it does."""

    name: str
    source: Path
    model: Path

    @property
    def format(self) -> mm.ModelFormat:
        """Its own: the mesh sends a model to whoever takes its format."""
        return mm.ModelFormat(name=self.name, version="1")


SERVERS = [
    Server("sentiment", Path("runtimes/sentiment"), Path(".build/models/sentiment")),
    Server("keyword-counter", Path("runtimes/keyword-counter"), Path("runtimes/keyword-counter/model")),
    Server("scikit-learn", Path("runtimes/scikit-learn"), Path("runtimes/scikit-learn/model")),
]

s = settings.load()
kube = s.cluster.provider("cluster")
opts = pulumi.ResourceOptions(providers=[kube, mm.image_builder("builder", s.build)])

# What both share: the stores, ModelMesh Serving, and the namespace.
ns = mm.Namespace("namespace", s.controller_namespace(), opts).namespace
etcd = mm.Etcd("etcd", s.etcd(namespace=ns), opts)
minio = mm.Minio("minio", s.minio(namespace=ns), opts)
serving = mm.ModelMeshServing("modelmesh", s.installation(namespace=ns, etcd=etcd.connection), opts)
models = mm.ModelNamespace("models", s.models(serving.installation, storage=minio.storage), opts)

for server in SERVERS:
    if not server.source.exists():  # nobody has made it yet
        continue
    built = mm.BuiltImage(build=s.build, sources={"": "runtime_src", "runtime": server.source}, repository=server.name)
    image = mm.RuntimeImage(server.name, built, opts)
    spec = mm.mlserver_runtime(image=image.ref, formats=[server.format], cpu_request="50m", memory="512Mi")
    runtime = mm.ServingRuntimeArgs(namespace=models, runtime_name=server.name, spec=spec)
    serving_runtime = mm.ServingRuntime(server.name, runtime, opts)
    files = mm.ModelFiles(source=server.model, build=s.build)
    artifact = mm.ModelArtifactArgs(namespace=ns, model_name=server.name, files=files, storage=minio.storage)
    model = mm.ModelArtifact(f"{server.name}-model", artifact, opts)
    service = mm.InferenceServiceArgs(
        namespace=models,
        runtimes=[serving_runtime],
        model_name=server.name,
        model_format=server.format.name,
        model_format_version=server.format.version,
        storage=mm.ModelPath(path=model.path, key=s.storage_key),
    )
    mm.InferenceService(f"{server.name}-service", service, opts)
