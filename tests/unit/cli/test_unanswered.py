"""A request that is not answered ends with what that means, and with what to do."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tritonclient.utils import InferenceServerException

from cli.stack import Stack
from cli.unanswered import explanation
from tests.unit.cli.conftest import Programs

OUTPUTS = {"namespace": "models", "inferenceService": "mine", "modelNames": "mine\nother"}
FAILED = {"reason": "ModelLoadFailed", "message": "vader_lexicon.txt:2: no number"}


@dataclass
class Declared:
    """A model with two inputs."""

    name: str = "mine"
    fails: bool = False

    def inputs(self) -> list[dict[str, Any]]:
        if self.fails:
            raise InferenceServerException("gone")
        return [
            {"name": "text", "datatype": "BYTES", "shape": [-1]},
            {"name": "w", "datatype": "FP32", "shape": [-1, 2]},
        ]


def service(active: str, target: str = "", transition: str = "InProgress", **failure: str) -> str:
    states = {"activeModelState": active, "targetModelState": target}
    status = {"modelStatus": {"states": states, "transitionStatus": transition, "lastFailureInfo": failure}}
    return f"printf '%s' '{json.dumps({'metadata': {}, 'status': status})}'"


@pytest.fixture
def explained(programs: Programs, prod: Callable[[], Stack]) -> Callable[..., str]:
    def explain(code: str, kubectl: str = ":", model: Declared | None = None) -> str:
        programs.add("kubectl", kubectl)
        message = f"inference.GRPCInferenceService/ModelInfer: {code}: its message"
        error = InferenceServerException(message, status=f"StatusCode.{code}")
        return explanation(error, prod(), OUTPUTS, model or Declared())

    return explain


def test_a_model_that_does_not_exist_is_told_from_those_that_do(
    explained: Callable[..., str], programs: Programs
) -> None:
    assert explained("NOT_FOUND") == "there is no model mine: stack prod serves mine, other (MODEL=name picks one)"
    assert "get inferenceservice mine --namespace models --output=json" in programs.calls("kubectl")[0]


@pytest.mark.parametrize("code", ["NOT_FOUND", "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL"])
def test_a_model_that_is_not_loaded_yet_is_told_from_one_that_cannot_be_loaded(
    explained: Callable[..., str], code: str
) -> None:
    assert explained(code, service("Loading")).startswith("model mine is not loaded yet (model Loading, InProgress)")
    assert explained(code, service("FailedToLoad", transition="BlockedByFailedLoad", **FAILED)) == (
        "model mine cannot be loaded (ModelLoadFailed: vader_lexicon.txt:2: no number): correct it, and run "
        "make up STACK=prod; make doctor STACK=prod tells more"
    )


@pytest.mark.parametrize("kubectl", [service("Loaded"), "exit 1"])
def test_a_loaded_model_or_an_unknown_state_leaves_the_message(explained: Callable[..., str], kubectl: str) -> None:
    assert (
        explained("UNAVAILABLE", kubectl) == "the model did not answer: its message; make doctor STACK=prod tells more"
    )


def test_a_request_that_does_not_fit_is_told_what_the_model_takes(explained: Callable[..., str]) -> None:
    takes = "it takes text BYTES [-1], w FP32 [-1, 2], where -1 is any size"
    assert explained("INVALID_ARGUMENT") == f"the request does not fit model mine: its message; {takes}"
    without = explained("INVALID_ARGUMENT", model=Declared(fails=True))
    assert without == "the request does not fit model mine: its message"


@pytest.mark.parametrize(
    ("code", "meaning"), [("RESOURCE_EXHAUSTED", "maxMessageBytes"), ("UNAUTHENTICATED", "certificate")]
)
def test_what_is_about_the_client_asks_the_cluster_nothing(
    explained: Callable[..., str], programs: Programs, code: str, meaning: str
) -> None:
    assert meaning in explained(code)
    assert not programs.calls("kubectl")
