"""Program with a configured number of InferenceServices, on the runtime of the stack `dev`; waits for each of them."""

from dataclasses import replace

import pulumi

import components as mm
import settings
from benchmarks import running
from components.checks import KNOWN_LATER

s = settings.load()
many = pulumi.Config("many")
kube = s.cluster.provider("cluster")
opts = pulumi.ResourceOptions(providers=[kube])


def services(namespace: mm.ModelNamespace, runtime: mm.installation.DeclaredRuntime, paths: list[str]) -> None:
    """One service for each path; only these lines depend on the number."""
    one = mm.InferenceServiceArgs(
        namespace=namespace,
        runtimes=[runtime],
        model_name="many",
        model_format=s.values["modelFormat"],
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
declared = s.runtime(namespace=models, image=KNOWN_LATER).planned()
path = many.require("path")
# The first model may have another path, which is the measured change.
services(models, declared, [many.get("changedPath") or path, *[path] * (many.require_int("models") - 1)])
