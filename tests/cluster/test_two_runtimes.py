"""A second model server, as `make new-runtime` makes it, is built, deployed and served beside the example."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, Self

import numpy
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput

from cli.new_runtime import make
from cli.predict import forwarded_port
from components.core.kserve_api import NUDGE_ANNOTATION
from components.runtimes.refresh_type_constraints import ANNOTATION
from project import ROOT
from project.environments import venv_for
from tests.cluster.deployment import KINDS, Deployment, ProgramMaker

TEXT = b"What a wonderful day, I love it!"
FLOWERS = [[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3], [6.9, 3.1, 5.4, 2.1]]
FIT = f"""
import json
import skops.io
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
iris = load_iris()
pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(iris.data, iris.target_names[iris.target])
skops.io.dump(pipeline, "iris.skops")
print(json.dumps(pipeline.predict({FLOWERS}).tolist()))
"""
MOUNTED = """
import json, os
path = os.path.realpath(os.environ["MM_TYPE_CONSTRAINTS_PATH"])
print(json.dumps([os.stat(path).st_mtime, [*json.load(open(path))]]))
"""


@pytest.fixture(scope="module")
def two(program: ProgramMaker) -> Iterator[Deployment]:
    """The stack of this module, not there yet; nobody has made its second runtime either."""
    made = program("two_runtimes", "two-runtimes")
    (made.stack.root / "skeleton").symlink_to(ROOT / "skeleton")
    yield made
    made.run("destroy", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def before(two: Deployment) -> set[str]:
    return two.names(KINDS)


TEXTS = InferInput("text", [1], "BYTES")
TEXTS.set_data_from_numpy(numpy.array([TEXT], dtype=object))


class Ask(Protocol):
    """Takes a model's name and its input; gives the elements of each of its outputs."""

    def __call__(self, model: str, given: InferInput = TEXTS) -> dict[str, list[Any]]: ...


@contextmanager
def asking(two: Deployment) -> Iterator[Ask]:
    """Models asked through the mesh: through the pod that the mesh's Service leads to now."""
    with forwarded_port(two.stack, "models", "modelmesh-serving") as port:
        client = InferenceServerClient(f"127.0.0.1:{port}")

        def ask(model: str, given: InferInput = TEXTS) -> dict[str, list[Any]]:
            answer = client.infer(model, [given], client_timeout=60)
            return {each.name: answer.as_numpy(each.name).tolist() for each in answer.get_response().outputs}

        try:
            yield ask
        finally:
            client.close()


class Calls:
    """Calls of the first model, one after the other, from another thread."""

    def __init__(self) -> None:
        self.answered, self.failed = 0, list[str]()
        self._over = threading.Event()

    @contextmanager
    def going_on(self, two: Deployment) -> Iterator[Self]:
        with asking(two) as ask:
            caller = threading.Thread(target=self._call, args=[ask])
            caller.start()
            try:
                yield self
            finally:
                self._over.set()
                caller.join()

    def _call(self, ask: Ask) -> None:
        while not self._over.wait(0.2):
            try:
                ask("sentiment")
                self.answered += 1
            except Exception as problem:  # noqa: BLE001  whatever it is, the test tells it
                self.failed.append(str(problem))


def pods(two: Deployment) -> dict[str, dict[str, Any]]:
    """The mesh pods by their unique ids."""
    found = two.get("pods", namespace="models")["items"]
    return {pod["metadata"]["uid"]: pod for pod in found if "modelmesh-service" in pod["metadata"]["labels"]}


def mounted(two: Deployment, pod: dict[str, Any]) -> tuple[float, list[str]]:
    """Since when a mesh pod has had the types of model that it knows, and these."""
    where = ("--namespace", "models", pod["metadata"]["name"], "--container", "mm")
    command = two.stack.kubectl("exec", *where, "--", "/opt/venv/bin/python", "-c", MOUNTED)
    since, types = json.loads(two.stack.run(command, quiet=True))
    return since, types


def states(two: Deployment) -> dict[str, str]:
    services = two.get("inferenceservices", namespace="models")["items"]
    return {each["metadata"]["name"]: each["status"]["modelStatus"]["states"]["activeModelState"] for each in services}


def test_the_first_is_up(two: Deployment, before: set[str]) -> None:
    assert not any("keyword-counter" in name for name in before)
    update = two.up()
    assert update.succeeded, update.output
    assert states(two) == {"sentiment": "Loaded"}
    assert len(pods(two)) == 1


def test_the_second_is_taken_up_beside_it_at_once_and_touches_no_call(two: Deployment) -> None:
    (uid,) = pods(two)
    make("keyword-counter", two.stack.root)
    with Calls().going_on(two) as calls:
        update = two.up()
    assert update.succeeded, update.output
    assert states(two) == {"sentiment": "Loaded", "keyword-counter": "Loaded"}
    service = two.get("inferenceservice", "keyword-counter", namespace="models")
    assert NUDGE_ANNOTATION not in service["metadata"].get("annotations", {}), "no mesh pod has refused it for long"
    assert "NoSupportingRuntime" not in update.output
    found = pods(two)
    assert len({container_image(pod) for pod in found.values()}) == 2
    assert ANNOTATION in found[uid]["metadata"]["annotations"], "somebody has touched the pod that ran before"
    since, types = mounted(two, found[uid])
    assert "rt:keyword-counter" in types
    # Whether the mesh asks that pod first is chance; left alone, it would hear of them much later.
    created = datetime.fromisoformat(service["metadata"]["creationTimestamp"]).timestamp()
    assert since < created + 1, "it knew the types before the first service came; Kubernetes writes whole seconds"
    assert [each["restartCount"] for each in found[uid]["status"]["containerStatuses"]] == [0, 0, 0]
    assert calls.failed == []
    assert calls.answered > 10


def container_image(pod: dict[str, Any]) -> str:
    (image,) = [each["image"] for each in pod["spec"]["containers"] if each["name"] == "mlserver"]
    return str(image)


def test_each_answers_for_its_own_model(two: Deployment) -> None:
    with asking(two) as ask:
        sentiment, keywords = ask("sentiment"), ask("keyword-counter")
    assert sentiment["compound"] == pytest.approx([0.8478], abs=5e-4)
    assert keywords == {"count": [2]}


def test_a_pipeline_of_scikit_learn_answers_as_where_it_was_fitted(two: Deployment) -> None:
    source = Path(shutil.copytree(ROOT / "runtimes/scikit-learn", two.stack.root / "runtimes/scikit-learn"))
    (source / "model").mkdir()
    python = venv_for(source / "requirements.txt") / "bin/python"
    fitted = subprocess.run([python, "-c", FIT], cwd=source / "model", check=True, capture_output=True, text=True)
    update = two.up()
    assert update.succeeded, update.output
    assert states(two)["scikit-learn"] == "Loaded"
    tensor = InferInput("features", [3, 4], "FP64")
    tensor.set_data_from_numpy(numpy.array(FLOWERS))
    with asking(two) as ask:
        answer = ask("scikit-learn", tensor)
    assert answer == {"prediction": [*map(str.encode, json.loads(fitted.stdout))]}


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
