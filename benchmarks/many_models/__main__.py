"""Program with a configured number of InferenceServices, on the runtime of the stack `dev`; waits for each of them."""

import pulumi

import components as mm
from benchmarks import running
from components.checks import KNOWN_LATER

many = pulumi.Config("many")
s, models, opts = running.installed()
declared = s.runtime(namespace=models, image=KNOWN_LATER).planned()
path = many.require("path")
# The first model may have another path, which is the measured change.
paths = [many.get("changedPath") or path, *[path] * (many.require_int("models") - 1)]
table = [
    mm.InferenceServiceArgs(
        namespace=models,
        runtimes=[declared],
        model_name=f"many-{number:04}",
        model_format=s.values["modelFormat"],
        runtime=s.runtime_name,
        labels={"benchmark": "many"},
        storage=mm.ModelPath(path=each, key=s.storage_key),
    )
    for number, each in enumerate(paths)
]
mm.InferenceServices("many", mm.InferenceServicesArgs(services=table), opts)
