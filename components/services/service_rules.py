"""Checks for fields of an InferenceService that ModelMesh Serving ignores or reports only in its controller's log.

The object's status stays unchanged then, so waiting for it would never end.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.annotations import MODE, PREFIX, RUNTIME, SCHEMA_PATH, STORAGE_KEY
from ..core.names_and_quantities import subdomain_problems
from ..core.problem import MISSING, FieldPath, Problem, Text
from .location_rules import location_problems
from .namespace_context import NamespaceContext
from .placement_rules import ModelRequest, placement_problems

Document = Mapping[str, Any]

FRAMEWORKS = ("lightgbm", "onnx", "pmml", "pytorch", "sklearn", "tensorflow", "triton", "xgboost")
"""Fields of the older form that ModelMesh reads; each is also the name of its format."""

_ANNOTATIONS = (MODE, RUNTIME, STORAGE_KEY, SCHEMA_PATH)
_SUPPORTED = ("modelFormat", "runtime", "protocolVersion", "storage", "storageUri")
_NAME_LENGTH = 238
"""Longest name: a model's files are in a folder `<name>__isvc-<10 characters>`, and names of folders end at 255."""
_METADATA = FieldPath("metadata")
_PREDICTOR = FieldPath("spec", "predictor")

_IN_THE_RUNTIME = "the pods belong to a runtime, which its models share; set it in the ServingRuntime"
_SCALE = "models share the pods of their runtime; set replicas or autoscaling there"
_INSTEAD = {
    "transformer": "run it as a separate workload in front of the model",
    "explainer": "run it as a separate workload beside the model",
    "canaryTrafficPercent": "a new model gets all requests once it is loaded; use two services to split traffic",
    **dict.fromkeys(("minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"), _SCALE),
    "containerConcurrency": "set the annotation perModelConcurrencyLimit of the runtime",
    "timeout": "the caller sets the deadline of a request, and the runtime's adapter that of loading",
    "batcher": "the model server batches requests",
    "logger": "use payload processors of the installation",
    "containers": "put them into a ServingRuntime and name it in predictor.model.runtime",
    "paddle": "declare a runtime that takes paddle and use predictor.model",
    "huggingface": "declare a runtime that takes huggingface and use predictor.model",
    "runtimeVersion": "the runtime's image has a version; name the runtime in predictor.model.runtime",
}


def service_problems(document: Document, context: NamespaceContext) -> Iterator[Problem]:
    """Checks an InferenceService of the right types."""
    annotations = document["metadata"].get("annotations", {})
    predictor = document["spec"].get("predictor", {})
    yield from _metadata_problems(document["metadata"], annotations)
    yield from _form_problems(predictor, annotations)
    yield from _ignored(document["spec"], FieldPath("spec"), ("predictor",))
    yield from _ignored(predictor, _PREDICTOR, ("model", *FRAMEWORKS))
    if (request := model_request(document)) is not None:
        model = predictor[request.path[-1]]
        yield from _ignored(model, request.path, _SUPPORTED)
        yield from placement_problems(request, context)
        pulled = [runtime.pulls for runtime in request.candidates(context)]
        yield from location_problems(request.path, model, annotations, context, pulled=any(pulled) or not pulled)


def model_request(document: Document) -> ModelRequest | None:
    """Requirements of the service on a runtime; None if it has no model, or more than one."""
    predictor = document["spec"].get("predictor", {})
    annotations = document["metadata"].get("annotations", {})
    forms = [form for form in ("model", *FRAMEWORKS) if form in predictor]
    if len(forms) != 1:
        return None
    (form,) = forms
    model = predictor[form]
    model_format = model.get("modelFormat", {}) if form == "model" else {"name": form}
    return ModelRequest(
        name=model_format.get("name", ""),
        version=model_format.get("version"),
        protocol=model.get("protocolVersion"),
        runtime=model.get("runtime") if form == "model" else annotations.get(RUNTIME),
        path=_PREDICTOR / form,
    )


def _metadata_problems(metadata: Document, annotations: Document) -> Iterator[Problem]:
    path, name = _METADATA / "name", metadata["name"]
    yield from subdomain_problems(path, name)
    if len(name) > _NAME_LENGTH:
        yield Problem(path, name, f"at most {_NAME_LENGTH} characters, not {len(name)}")
    if (mode := annotations.get(MODE, MISSING)) != "ModelMesh":
        cure = "ModelMesh leaves objects without it to KServe" if mode is MISSING else ""
        yield Problem(_METADATA / "annotations" / MODE, mode, "'ModelMesh'", cure, ignored=mode is MISSING)
    for key, value in annotations.items():
        if key.startswith(PREFIX) and key not in _ANNOTATIONS:
            expected, cure = "none: ModelMesh ignores it on a service", "set autoscaling and limits on the runtime"
            yield Problem(_METADATA / "annotations" / key, value, expected, cure, ignored=True)


def _form_problems(predictor: Document, annotations: Document) -> Iterator[Problem]:
    forms = [form for form in ("model", *FRAMEWORKS) if form in predictor]
    if not forms:
        older = ", ".join(FRAMEWORKS)
        yield Problem(_PREDICTOR / "model", MISSING, f"a model, or one of the older fields {older}")
    if len(forms) > 1:
        yield Problem(_PREDICTOR, Text(" and ".join(forms)), "one of them")
    if "model" in forms and (runtime := annotations.get(RUNTIME)) is not None:
        cure = "name the runtime in predictor.model.runtime"
        yield Problem(_METADATA / "annotations" / RUNTIME, runtime, "none beside predictor.model", cure)


def _ignored(value: Document, path: FieldPath, supported: Sequence[str]) -> Iterator[Problem]:
    """Reports fields without effect; empty ones are how Kubernetes' own clients and KServe's webhook write objects."""
    for field, given in value.items():
        if field not in supported and given not in ("", {}, []):
            cure = _INSTEAD.get(field, _IN_THE_RUNTIME)
            yield Problem(path / field, Text("set"), "none: ModelMesh ignores it", cure, ignored=True)
