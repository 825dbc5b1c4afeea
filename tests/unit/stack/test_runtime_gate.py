"""The candidate of a runtime: what differs from the runtime, and when it is tried."""

import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.runtimes.mlserver_runtime import mlserver_runtime
from components.runtimes.serving_runtime import ServingRuntime, ServingRuntimeArgs
from components.runtimes.serving_runtime_spec import Autoscaling, ModelFormat
from components.services.golden_predictions import GoldenPredictions
from components.services.inference_service import InferenceServiceArgs
from components.services.model_location import ModelPath
from components.services.runtime_gate import RuntimeGate, RuntimeGateArgs
from tests.unit.stack.engine import Run, run
from tests.unit.stack.golden import golden, prediction
from tests.unit.stack.serving import STORES
from tests.unit.stack.worlds import place

JOB = "kubernetes:batch/v1:Job"
RUNTIME = "kubernetes:serving.kserve.io/v1alpha1:ServingRuntime"


def args(predictions: GoldenPredictions | None, *, image: str = "server:1", path: str = "a", **changes: Any) -> Any:
    models = place(storage=STORES)
    spec = mlserver_runtime(
        image=image, formats=[ModelFormat(name="custom-model", version="1")], autoscaling=Autoscaling()
    )
    runtime = ServingRuntimeArgs(namespace=models, runtime_name="custom", spec=spec, **changes)
    service = InferenceServiceArgs(
        namespace=models,
        runtimes=[runtime.planned()],
        runtime="custom",
        model_name="sentiment",
        model_format="custom-model",
        storage=ModelPath(path=path, key="models"),
        golden=predictions,
    )
    return RuntimeGateArgs(service=service, runtime=runtime)


def made(predictions: GoldenPredictions, **changes: Any) -> Run:
    def program() -> None:
        wanted = args(predictions, **changes)
        gate = RuntimeGate("gate", wanted)
        ServingRuntime("runtime", replace(wanted.runtime, after=[gate]))

    return run(program)


def job(found: Run) -> Any:
    (resource,) = [each for each in found.of(JOB) if each.name == "gate"]
    return resource


def test_the_runtime_changes_only_after_the_job(tmp_path: Path) -> None:
    found = made(golden(tmp_path))
    assert job(found).urn in found.one(RUNTIME).dependencies


def test_the_candidate_takes_no_model_but_that_of_the_service(tmp_path: Path) -> None:
    found = made(golden(tmp_path))
    data = found.one("kubernetes:core/v1:Secret").inputs["data"]
    service, runtime = (json.loads(b64decode(data[f"{name}.json"])) for name in ("service", "runtime"))
    wanted = found.one(RUNTIME).inputs
    assert runtime["metadata"] == {"name": "custom-candidate", "namespace": "models"}, "no autoscaler either"
    assert runtime["spec"].pop("supportedModelFormats") == [
        {"name": "custom-model", "version": "1", "autoSelect": False}
    ]
    assert runtime["spec"].pop("replicas") == 1
    del wanted["spec"]["supportedModelFormats"]
    assert runtime["spec"] == wanted["spec"]
    assert service["metadata"]["name"] == "sentiment-candidate"
    assert service["spec"]["predictor"]["model"]["runtime"] == "custom-candidate"
    assert service["spec"]["predictor"]["model"]["storage"]["path"] == "a"


def test_its_account_may_only_touch_the_candidates_and_read_the_runtime(tmp_path: Path) -> None:
    (role,) = [
        each for each in made(golden(tmp_path)).resources if each.token.endswith(":Role") and each.name == "gate"
    ]
    every = ["get", "create", "patch", "delete"]
    assert [(rule["resources"], rule["resourceNames"], rule["verbs"]) for rule in role.inputs["rules"]] == [
        (["inferenceservices"], ["sentiment-candidate"], every),
        (["servingruntimes"], ["custom-candidate"], every),
        (["servingruntimes"], ["custom"], ["get"]),
    ]


def test_only_another_runtime_is_tried_again(tmp_path: Path) -> None:
    first = job(made(golden(tmp_path))).inputs
    assert job(made(golden(tmp_path), path="b")).inputs == first
    assert job(made(golden(tmp_path, words=prediction("tolerance")))).inputs == first
    assert job(made(golden(tmp_path), image="server:2")).inputs != first


def test_it_has_time_for_starting_pods_and_for_loading_the_model(tmp_path: Path) -> None:
    assert job(made(golden(tmp_path), ready_timeout_seconds=200)).inputs["spec"]["activeDeadlineSeconds"] == 890


def test_a_gate_needs_predictions_and_a_short_name(tmp_path: Path) -> None:
    def program() -> None:
        (problem,) = args(None).problems()
        assert str(problem.path) == "service.golden"
        wanted = args(golden(tmp_path))
        long = replace(wanted, runtime=replace(wanted.runtime, runtime_name="x" * 40))
        (problem,) = long.problems()
        assert "5 characters shorter" in problem.expected

    run(program)
