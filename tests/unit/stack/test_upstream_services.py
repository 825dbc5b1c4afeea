"""Every InferenceService of upstream's tree can be said with the typed arguments, and comes out as it stands there."""

from collections.abc import Mapping
from typing import Any

import pytest

from components.installation.declared_runtime import DeclaredRuntime
from components.installation.model_namespace import ModelNamespace
from components.services.inference_service import InferenceService, InferenceServiceArgs
from components.services.model_location import ModelPath, StorageUri
from components.services.service_rules import FRAMEWORKS
from components.stores.storage import Storage
from tests.unit.stack.engine import run
from tests.unit.stack.serving import S3, place
from tests.unit.stack.upstream_tree import upstream_documents

SERVICES = upstream_documents("InferenceService")
BUILT_IN = [
    DeclaredRuntime.of(document)
    for where, document in upstream_documents("ClusterServingRuntime")
    if where.startswith("config/runtimes/")
]
OF_THE_DOCUMENTATION = [
    DeclaredRuntime(name="my-custom-model-0.x", namespace=None, formats=(("custom-model", "1"),)),
    DeclaredRuntime(name="my-model-server-0.x", namespace="models", formats=(("my_model_format", "1"),)),
]
STORES: Mapping[str, Storage] = dict.fromkeys(("localMinIO", "modelStorage", "my_storage", "myStorage"), S3)


def arguments(document: dict[str, Any], namespace: ModelNamespace) -> InferenceServiceArgs:
    """The document in typed form; what is not mapped here would be missed in what comes out."""
    ((form, model),) = document["spec"]["predictor"].items()
    metadata = document["metadata"]
    annotations = dict(metadata["annotations"])
    assert annotations.pop("serving.kserve.io/deploymentMode") == "ModelMesh"
    stored = model.get("storage", {})
    place_in_it = {
        "key": stored.get("key"),
        "schema_path": stored.get("schemaPath"),
        "parameters": stored.get("parameters", {}),
    }
    uri = model.get("storageUri")
    return InferenceServiceArgs(
        namespace=namespace,
        runtimes=OF_THE_DOCUMENTATION,
        model_name=metadata["name"],
        model_format=model["modelFormat"]["name"] if form == "model" else form,
        model_format_version=model["modelFormat"].get("version") if form == "model" else None,
        runtime=model.get("runtime"),
        protocol_version=model.get("protocolVersion"),
        storage=StorageUri(uri=uri, **place_in_it) if uri else ModelPath(path=stored["path"], **place_in_it),
        labels=metadata.get("labels", {}),
        annotations=annotations,
        framework_field=form in FRAMEWORKS,
    )


def test_the_tree_holds_as_many_as_are_tried() -> None:
    assert len(SERVICES) == 37
    assert {next(iter(document["spec"]["predictor"])) for _, document in SERVICES} == {"model", "sklearn"}
    assert len(BUILT_IN) == 4


@pytest.mark.parametrize("document", [document for _, document in SERVICES], ids=[where for where, _ in SERVICES])
def test_every_service_of_upstream_comes_out_as_it_stands_there(document: dict[str, Any]) -> None:
    def program() -> None:
        here = place(storage=STORES, built_in=BUILT_IN, allow_any_pvc=True)
        InferenceService("service", arguments(document, here))

    inputs = run(program).one("kubernetes:serving.kserve.io/v1beta1:InferenceService").inputs
    annotations = {key: text for key, text in inputs["metadata"]["annotations"].items() if "pulumi.com/" not in key}
    expected = {**document["metadata"], "namespace": "models"}
    assert {**inputs["metadata"], "annotations": annotations} == expected
    assert inputs["spec"] == document["spec"]
