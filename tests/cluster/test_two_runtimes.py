"""A second model server, as `make new-runtime` makes it, is built, deployed and served beside the example."""

import time
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput

from cli.new_runtime import make
from cli.predict import forwarded_port
from cli.stack import ROOT
from tests.cluster.deployment import KINDS, Deployment, ProgramMaker

TEXT = b"What a wonderful day, I love it!"


@pytest.fixture(scope="module")
def two(program: ProgramMaker) -> Iterator[Deployment]:
    """The stack of this module, not there yet; its second runtime is new."""
    made = program("two_runtimes", "two-runtimes")
    (made.stack.root / "skeleton").symlink_to(ROOT / "skeleton")
    make("keyword-counter", made.stack.root)
    yield made
    made.run("destroy", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def before(two: Deployment) -> set[str]:
    return two.names(KINDS)


def answers(two: Deployment, *models: str) -> Iterator[dict[str, Any]]:
    """The first element of each output of each model, asked through the mesh."""
    tensor = InferInput("text", [1], "BYTES")
    tensor.set_data_from_numpy(numpy.array([TEXT], dtype=object))
    with forwarded_port(two.stack, "models", "modelmesh-serving") as port:
        client = InferenceServerClient(f"127.0.0.1:{port}")
        try:
            for model in models:
                answer = client.infer(model, [tensor], client_timeout=60)
                yield {each.name: answer.as_numpy(each.name)[0] for each in answer.get_response().outputs}
        finally:
            client.close()


def test_both_are_built_and_up(two: Deployment, before: set[str]) -> None:
    assert not any("keyword-counter" in name for name in before)
    update = two.up()
    assert update.succeeded, update.output
    images = {
        container["image"]
        for pod in two.get("pods", namespace="models")["items"]
        for container in pod["spec"]["containers"]
        if container["name"] == "mlserver"
    }
    assert len(images) == 2
    services = two.get("inferenceservices", namespace="models")["items"]
    states = {
        each["metadata"]["name"]: each["status"]["modelStatus"]["states"]["activeModelState"] for each in services
    }
    assert states == {"sentiment": "Loaded", "keyword-counter": "Loaded"}


def test_each_answers_for_its_own_model(two: Deployment) -> None:
    sentiment, keywords = answers(two, "sentiment", "keyword-counter")
    assert sentiment["compound"] == pytest.approx(0.8478, abs=5e-4)
    assert keywords == {"count": 2}


def test_a_second_up_changes_nothing(two: Deployment) -> None:
    update = two.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert update.succeeded, update.output


def test_destroy_leaves_nothing(two: Deployment, before: set[str]) -> None:
    update = two.run("destroy", "--yes", "--skip-preview")
    assert update.succeeded, update.output
    deadline = time.monotonic() + 60  # pods end after what made them
    while two.names(KINDS) != before and time.monotonic() < deadline:
        time.sleep(1)
    assert two.names(KINDS) == before
    assert not two.resources()
