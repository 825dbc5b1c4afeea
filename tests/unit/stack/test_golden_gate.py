"""The Job that asks for golden predictions: what it may do, when it runs again, and what waits for it."""

import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.installation.declared_runtime import DeclaredRuntime
from components.services.golden_predictions import GoldenPredictions
from components.services.inference_service import InferenceService
from components.services.inference_services import InferenceServicesArgs
from components.services.model_location import ModelPath
from tests.unit.stack import worlds
from tests.unit.stack.engine import Resource, Run, run
from tests.unit.stack.golden import IMAGE, golden, prediction
from tests.unit.stack.serving import INFERENCE_SERVICE, MLSERVER, STORES, arguments

JOB = "kubernetes:batch/v1:Job"
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105
ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"


def made(golden: GoldenPredictions | None, changes: dict[str, Any] | None = None, **around: Any) -> Run:
    return run(lambda: InferenceService("service", arguments({"golden": golden, **(changes or {})}, around)))


def pod(found: Run) -> dict[str, Any]:
    spec: dict[str, Any] = found.one(JOB).inputs["spec"]["template"]["spec"]
    return spec


def environment(found: Run) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in pod(found)["containers"][0]["env"]}


def file(secret: Resource, name: str) -> str:
    return b64decode(secret.inputs["data"][name]).decode()


def test_without_golden_predictions_there_is_nothing_of_them() -> None:
    assert [resource.token for resource in made(None).resources] == [
        "modelmesh:index:InferenceService",
        INFERENCE_SERVICE,
    ]


def test_the_service_changes_only_after_the_job(tmp_path: Path) -> None:
    found = made(golden(tmp_path))
    assert found.one(JOB).urn in found.one(INFERENCE_SERVICE).dependencies
    assert found.one(INFERENCE_SERVICE).inputs["metadata"]["namespace"] == "models"


def test_the_candidate_is_the_service_under_a_name_of_its_own(tmp_path: Path) -> None:
    found = made(golden(tmp_path))
    secret = found.one(SECRET)
    candidate = json.loads(file(secret, "service.json"))
    service = found.one(INFERENCE_SERVICE).inputs
    assert candidate["metadata"]["name"] == "sentiment-candidate"
    assert candidate["metadata"]["namespace"] == "models"
    assert candidate["metadata"]["annotations"] == {"serving.kserve.io/deploymentMode": "ModelMesh"}
    assert candidate["spec"] == service["spec"]
    assert json.loads(file(secret, "golden.json")) == {"words.json": prediction("tolerance", "compound", value=0.001)}
    compile(file(secret, "ask.py"), "ask.py", "exec")


def test_its_account_may_only_touch_the_candidate(tmp_path: Path) -> None:
    found = made(golden(tmp_path))
    assert found.one(ROLE).inputs["rules"] == [
        {
            "apiGroups": ["serving.kserve.io"],
            "resources": ["inferenceservices"],
            "resourceNames": ["sentiment-candidate"],
            "verbs": ["get", "create", "patch", "delete"],
        }
    ]
    assert pod(found)["serviceAccountName"] == "sentiment-golden"


def test_the_pod_has_no_root_and_a_file_system_that_is_read_only(tmp_path: Path) -> None:
    spec = pod(made(golden(tmp_path)))
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["image"] == IMAGE
    assert {"name": "golden", "mountPath": "/golden", "readOnly": True} in container["volumeMounts"]


def test_one_pod_decides(tmp_path: Path) -> None:
    spec = made(golden(tmp_path)).one(JOB).inputs["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["activeDeadlineSeconds"] == 90 + 300 + 600


def test_it_asks_through_the_mesh_of_its_namespace(tmp_path: Path) -> None:
    found = environment(made(golden(tmp_path), service_name="mesh", service_port=9033))
    assert (found["SERVICE"], found["TARGET"], found["TLS"]) == ("sentiment", "mesh.models:9033", "")
    assert found["SECONDS"] == "390"


@pytest.mark.parametrize(("auth", "keys"), [(None, ["ca.crt"]), ("require", ["ca.crt", "tls.crt", "tls.key"])])
def test_with_tls_it_has_the_files_of_a_client_and_no_others(tmp_path: Path, auth: Any, keys: list[str]) -> None:
    predictions = golden(tmp_path)

    def program() -> None:
        secured = {"tls_secret": "tls", "tls_client_auth": auth, "built_in_runtimes": (MLSERVER,)}
        place = worlds.place(storage=STORES, **secured)
        InferenceService("service", replace(arguments({"golden": predictions}, {}), namespace=place))

    found = run(program)
    (volume,) = [each for each in pod(found)["volumes"] if each["name"] == "tls"]
    assert volume["secret"]["secretName"] == "tls"
    assert [item["key"] for item in volume["secret"]["items"]] == keys
    assert environment(found)["TLS"] == "/tls"


@pytest.mark.parametrize(
    "change",
    [
        {"storage": ModelPath(path="sklearn/other", key="models")},
        {"model_format": "xgboost"},
        {"labels": {"team": "a"}},
    ],
)
def test_another_service_is_asked_again(tmp_path: Path, change: dict[str, Any]) -> None:
    first = made(golden(tmp_path)).one(JOB).inputs
    assert made(golden(tmp_path)).one(JOB).inputs == first
    assert made(golden(tmp_path), change).one(JOB).inputs != first


def test_other_predictions_and_another_image_are_asked_again(tmp_path: Path) -> None:
    first = made(golden(tmp_path)).one(JOB).inputs
    assert made(replace(golden(tmp_path), image="other:1")).one(JOB).inputs != first
    assert made(golden(tmp_path, words=prediction("tolerance"))).one(JOB).inputs != first


def test_problems_are_those_of_the_service(tmp_path: Path) -> None:
    def program() -> None:
        args = arguments({"golden": golden(tmp_path, words=prediction("response"))}, {})
        assert [str(problem.path) for problem in args.problems()] == ['golden.folder["words.json"].response']
        large = DeclaredRuntime(name="large", namespace="models", formats=(("sklearn", None),), room_bytes=2**30)
        changes = {"golden": replace(golden(tmp_path), model_bytes=2**30), "runtimes": [large]}
        assert [str(problem.path) for problem in arguments(changes, {}).problems()] == ["golden.model_bytes"]

    run(program)


def test_the_table_of_many_models_has_none(tmp_path: Path) -> None:
    def program() -> None:
        (problem,) = InferenceServicesArgs(services=[arguments({"golden": golden(tmp_path)}, {})]).problems()
        assert str(problem.path) == "services.sentiment.golden"

    run(program)
