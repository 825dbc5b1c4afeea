"""As many InferenceServices as the config says, on the runtime that the stack `dev` has up; each is waited for."""

from dataclasses import replace

import pulumi

import components as mm
import settings
from benchmarks import running

s = settings.load()
many = pulumi.Config("many")
kube = s.cluster.provider("cluster")
opts = pulumi.ResourceOptions(providers=[kube])


def services(namespace: mm.ModelNamespace, runtime: mm.installation.DeclaredRuntime, paths: list[str]) -> None:
    """One service for each path: the only lines that know how many are made."""
    one = mm.InferenceServiceArgs(
        namespace=namespace,
        runtimes=[runtime],
        model_name="many",
        model_format=s.model_format.name,
        runtime=s.runtime_name,
        labels={"benchmark": "many"},
        storage=mm.ModelPath(path=paths[0], key=s.storage_key),
    )
    table = [
        replace(one, model_name=f"many-{number:04}", storage=mm.ModelPath(path=path, key=s.storage_key))
        for number, path in enumerate(paths)
    ]
    mm.InferenceServices("many", mm.InferenceServicesArgs(services=table), opts)


models = running.namespace(s, opts)
declared = mm.installation.DeclaredRuntime(
    name=s.runtime_name,
    namespace=s.namespace,
    formats=((s.model_format.name, s.model_format.version),),
    protocol_versions=("grpc-v2",),
    load_timeout_seconds=float(s.load_timeout_seconds),
)
path = many.require("path")
# The first model may be another one, which is what a change of one is.
services(models, declared, [many.get("changedPath") or path, *[path] * (many.require_int("models") - 1)])
