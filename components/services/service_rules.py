"""The rules for an InferenceService that ModelMesh Serving ignores, or tells in its controller's log alone.

Its status stays untouched then, so that whoever waits for it would wait for ever.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.annotations import MODE, PREFIX, RUNTIME, SCHEMA_PATH, STORAGE_KEY
from ..core.names_and_quantities import subdomain_problems
from .location_rules import location_problems
from .placement_rules import Wanted, placement_problems
from .surroundings import Surroundings

Document = Mapping[str, Any]

FRAMEWORKS = ("lightgbm", "onnx", "pmml", "pytorch", "sklearn", "tensorflow", "triton", "xgboost")
"""Fields of the older form that ModelMesh knows; each is its format's name too."""

_ANNOTATIONS = (MODE, RUNTIME, STORAGE_KEY, SCHEMA_PATH)
_HONOURED = ("modelFormat", "runtime", "protocolVersion", "storage", "storageUri")
_NAME_LENGTH = 238
"""A model's files are kept in a folder `<name>__isvc-<10 characters>`, and 255 is what a folder's name may have."""

_IN_THE_RUNTIME = "pods are made for a runtime and shared by its models; say it in the ServingRuntime"
_SCALE = "models share the pods of their runtime; give that replicas or autoscaling"
_INSTEAD = {
    "transformer": "run it as a workload of its own in front of the model",
    "explainer": "run it as a workload of its own beside the model",
    "canaryTrafficPercent": "all requests go to a new model once it is loaded; for a share of them make two services",
    **dict.fromkeys(("minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"), _SCALE),
    "containerConcurrency": "a runtime limits it for each model, by annotation perModelConcurrencyLimit",
    "timeout": "each request has its caller's deadline, and loading the limit of the runtime's adapter",
    "batcher": "batching is up to the model server",
    "logger": "give the installation payload processors",
    "containers": "declare a ServingRuntime with them and name it in predictor.model.runtime",
    "paddle": "declare a runtime that takes paddle and use predictor.model",
    "huggingface": "declare a runtime that takes huggingface and use predictor.model",
    "runtimeVersion": "a runtime has the version of its image; name the runtime in predictor.model.runtime",
}


def service_problems(document: Document, around: Surroundings) -> list[str]:
    """Everything that would keep the service from being served, or from being served as it says."""
    annotations = document["metadata"].get("annotations", {})
    predictor = document["spec"].get("predictor", {})
    problems = [*_metadata_problems(document["metadata"], annotations), *_form_problems(predictor, annotations)]
    problems += _ignored(document["spec"], "spec", ("predictor",))
    problems += _ignored(predictor, "spec.predictor", ("model", *FRAMEWORKS))
    if (model := wanted(document)) is not None:
        told = predictor[model.where.rpartition(".")[2]]
        problems += _ignored(told, model.where, _HONOURED)
        problems += placement_problems(model, around)
        pulled = [runtime.pulls for runtime in model.candidates(around)]
        problems += location_problems(model.where, told, annotations, around, pulled=any(pulled) or not pulled)
    return problems


def wanted(document: Document) -> Wanted | None:
    """What the service asks for; None where it says so in no form, or in two."""
    predictor = document["spec"].get("predictor", {})
    annotations = document["metadata"].get("annotations", {})
    forms = [form for form in ("model", *FRAMEWORKS) if form in predictor]
    if len(forms) != 1:
        return None
    (form,) = forms
    told = predictor[form]
    named = told.get("modelFormat", {}) if form == "model" else {"name": form}
    return Wanted(
        name=named.get("name", ""),
        version=named.get("version"),
        protocol=told.get("protocolVersion"),
        runtime=told.get("runtime") if form == "model" else annotations.get(RUNTIME),
        where=f"spec.predictor.{form}",
    )


def _metadata_problems(metadata: Document, annotations: Document) -> Iterator[str]:
    name = metadata["name"]
    yield from subdomain_problems("metadata.name", name)
    if len(name) > _NAME_LENGTH:
        yield f"metadata.name: {name!r} has {len(name)} characters, {_NAME_LENGTH} fit"
    if annotations.get(MODE) != "ModelMesh":
        yield f"metadata.annotations[{MODE}]: {annotations.get(MODE)!r}, expected exactly 'ModelMesh'"
    for key in annotations:
        if key.startswith(PREFIX) and key not in _ANNOTATIONS:
            yield (
                f"metadata.annotations[{key}]: ModelMesh ignores it on a service; "
                "autoscaling and limits are annotations of a runtime"
            )


def _form_problems(predictor: Document, annotations: Document) -> Iterator[str]:
    forms = [form for form in ("model", *FRAMEWORKS) if form in predictor]
    if not forms:
        yield f"spec.predictor: no model, expected `model`, or of the older form one of {', '.join(FRAMEWORKS)}"
    if len(forms) > 1:
        yield f"spec.predictor: {' and '.join(forms)}, expected one of them"
    if "model" in forms and (runtime := annotations.get(RUNTIME)) is not None:
        yield (
            f"metadata.annotations[{RUNTIME}]: {runtime!r} beside predictor.model, of which ModelMesh "
            "takes neither; name the runtime in predictor.model.runtime"
        )


def _ignored(told: Document, where: str, honoured: Sequence[str]) -> Iterator[str]:
    for field in told:
        if field not in honoured:
            yield f"{where}.{field}: ModelMesh ignores it; {_INSTEAD.get(field, _IN_THE_RUNTIME)}"
