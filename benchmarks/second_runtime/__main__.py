"""Program with a second runtime and its first model, beside that of the stack `dev`: the same image, another format."""

import pulumi

import components as mm
from benchmarks import running

NAME = "second"

second = pulumi.Config(NAME)
s, models, opts = running.installed()
# A separate format, which is new to the running meshes.
spec = mm.mlserver_runtime(
    image=second.require("image"),
    formats=[mm.ModelFormat(name=NAME, version="1")],
    cpu_request="50m",
    memory="512Mi",
)
runtime = mm.ServingRuntime(NAME, mm.ServingRuntimeArgs(namespace=models, runtime_name=NAME, spec=spec), opts)
service = mm.InferenceServiceArgs(
    namespace=models,
    runtimes=[runtime],
    model_name=NAME,
    model_format=NAME,
    storage=mm.ModelPath(path=second.require("path"), key=s.storage_key),
)
mm.InferenceService(f"{NAME}-service", service, opts)
