"""A model that does not give the golden predictions does not go live, and nobody notices that it was tried."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import interrupted
from cli.golden import record
from cli.predict import predict
from project import ROOT
from tests.cluster.deployment import NAMESPACE, RUNTIME, SERVICE, Deployment, opened

CANDIDATE = f"{SERVICE}-candidate"
TEXT = "What a wonderful day"


@pytest.fixture(scope="module")
def deployed(deployment: Deployment) -> Iterator[Deployment]:
    """The stack is up, without golden predictions."""
    update = deployment.run("up", "--yes", "--skip-preview", "--refresh")
    assert update.succeeded, update.output
    yield deployment
    deployment.run("destroy", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def golden(deployed: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The answer to one request, as it is now."""
    folder = tmp_path_factory.mktemp("golden")
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": [TEXT]}
    (folder / "wonderful.json").write_text(json.dumps({"request": {"inputs": [tensor]}}))
    record(deployed.stack, folder)
    return folder


@pytest.fixture
def changed(lexicon: Path) -> Path:
    """The example's model with one valence changed."""
    file = lexicon / "vader_lexicon.txt"
    text, count = re.subn(r"^wonderful\t2\.7\t", "wonderful\t-2.7\t", file.read_text(), flags=re.MULTILINE)
    assert count == 1
    file.write_text(text)
    return lexicon


def expect(folder: Path, **values: Any) -> None:
    """Change the expected values of some outputs."""
    file = folder / "wonderful.json"
    prediction = json.loads(file.read_text())
    for output in prediction["response"]["outputs"]:
        output["data"] = [values.get(output["name"], output["data"][0])]
    file.write_text(json.dumps(prediction))


def services(deployed: Deployment) -> dict[str, str]:
    """Path of each model by the name of its service."""
    found = deployed.get("isvc")["items"]
    return {each["metadata"]["name"]: each["spec"]["predictor"]["model"]["storage"]["path"] for each in found}


def test_a_model_that_gives_the_predictions_is_served_as_before(deployed: Deployment, golden: Path) -> None:
    before = services(deployed)
    update = deployed.up(goldenPredictions=str(golden))
    assert update.succeeded, update.output
    assert services(deployed) == before
    update = deployed.run(
        "up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes", config={"goldenPredictions": str(golden)}
    )
    assert update.succeeded, update.output


def test_a_changed_valence_ends_the_update_and_no_request_is_lost_or_answered_by_it(
    deployed: Deployment, golden: Path, changed: Path, tmp_path: Path
) -> None:
    before, scores = services(deployed), predict(deployed.stack, TEXT)
    with deployed.load(tmp_path) as load:
        update = deployed.up(goldenPredictions=str(golden), modelSource=str(changed))
    assert not update.succeeded
    assert re.search(r"wonderful\.json: compound\[0\]: expected 0\.5719 ± 6e-06, got -0\.5719", update.output)
    assert 'wonderful.json: label[0]: expected "positive", got "negative"' in update.output
    assert "Traceback" not in update.output
    assert services(deployed) == before, "neither moved nor a candidate left"
    assert predict(deployed.stack, TEXT) == scores
    assert load.requests > 150
    assert load.failed == 0, load.failures
    assert len(load.models) == 1, "only the model that serves has answered"


def test_killed_while_the_candidate_is_asked_the_next_update_goes_on(
    deployed: Deployment, golden: Path, changed: Path
) -> None:
    config = {"goldenPredictions": str(golden), "modelSource": str(changed)}
    deployed.kill(120, "up", config=config, sooner=lambda: CANDIDATE in services(deployed))
    before = services(deployed)
    update = converged(deployed, config)
    assert not update.succeeded
    assert "compound[0]: expected" in update.output
    assert services(deployed) == {SERVICE: before[SERVICE]}


def test_with_the_expectation_changed_the_same_model_goes_live(
    deployed: Deployment, golden: Path, changed: Path
) -> None:
    before = services(deployed)
    expect(golden, compound=-0.5719, pos=0.0, neg=0.552, label="negative")
    update = deployed.up(goldenPredictions=str(golden), modelSource=str(changed))
    assert update.succeeded, update.output
    after = services(deployed)
    assert after.keys() == {SERVICE}
    assert after != before
    assert predict(deployed.stack, TEXT)["label"] == "negative"


def test_a_runtime_that_answers_wrong_does_not_replace_the_one_that_serves(
    deployed: Deployment, golden: Path, changed: Path, tmp_path: Path
) -> None:
    """Its model is loaded as well as any, and its pod starts."""
    source = tmp_path / "runtimes/sentiment"
    shutil.copytree(ROOT / "runtimes/sentiment", source)
    code = source / "sentiment_model.py"
    text, count = re.subn(r"\[score\[name\] for", "[-score[name] for", code.read_text())
    assert count == 1
    code.write_text(text)
    pods = deployed.runtime_pods()
    with deployed.load(tmp_path) as load:
        update = deployed.up(goldenPredictions=str(golden), modelSource=str(changed), runtimeSource=str(source))
    assert not update.succeeded
    assert "wonderful.json: compound[0]: expected -0.5719 ± 6e-06, got 0.5719" in update.output
    assert f"golden predictions of {SERVICE} on {RUNTIME}-candidate: " in update.output
    assert deployed.runtime_pods() >= pods, "the pods that serve are the former ones"
    assert services(deployed).keys() == {SERVICE}
    runtimes = deployed.get("servingruntimes")["items"]
    assert {runtime["metadata"]["name"] for runtime in runtimes} == {RUNTIME}
    assert load.failed == 0, load.failures
    assert len(load.models) == 1, "only the model that serves has answered"


def test_with_tls_the_requests_have_the_certificate_of_the_stack(
    deployed: Deployment, golden: Path, changed: Path
) -> None:
    tls = {"enabled": True, "clientAuth": "require"}
    update = deployed.up(goldenPredictions=str(golden), modelSource=str(changed), tls=tls)
    assert update.succeeded, update.output
    expect(golden, compound=0.0)
    update = deployed.up(goldenPredictions=str(golden), modelSource=str(changed), tls=tls)
    assert not update.succeeded
    assert "wonderful.json: compound[0]: expected 0.0 ± 6e-06, got -0.5719" in update.output


def test_the_job_may_touch_its_candidate_and_nothing_else(deployed: Deployment) -> None:
    account = f"system:serviceaccount:{NAMESPACE}:{SERVICE}-golden"

    def may(verb: str, what: str) -> bool:
        command = ("auth", "can-i", verb, what, f"--as={account}", "--namespace", NAMESPACE)
        return "yes" in deployed.stack.run(
            ["sh", "-c", f"{' '.join(deployed.stack.kubectl(*command))} || true"], quiet=True
        )

    assert may("delete", f"inferenceservices/{CANDIDATE}")
    for verb, what in (("get", f"inferenceservices/{SERVICE}"), ("list", "inferenceservices"), ("get", "secrets")):
        assert not may(verb, what)


def converged(deployed: Deployment, config: dict[str, Any]) -> Any:
    """An update after one that was killed, as `make up` begins it."""
    stack = deployed.stack
    overrides = {f"modelmesh:{key}": value for key, value in config.items()}
    interrupted.adopt(opened(stack.name, deployed.instance, stack.root, overrides))
    return deployed.run("up", "--yes", "--skip-preview", "--refresh", config=config)
