"""A measurement counts what is answered, ends in time, and leaves no copy of the service behind."""

import json
import threading
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import pytest
from tritonclient.utils import InferenceServerException

from cli import bench
from cli.errors import CommandError
from cli.predict import ServedModel
from cli.stack import Stack
from tests.unit.cli.conftest import Programs

COPY_OF = "modelmesh.pulumi.com/copy-of"
SERVICE = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {
        "name": "mine",
        "uid": "x",
        "annotations": {"serving.kserve.io/deploymentMode": "ModelMesh", "pulumi.com/autonamed": "true"},
    },
    "spec": {"predictor": {"model": {"storage": {"path": "a"}}}},
    "status": {},
}


class Client:
    """A client whose model answers from its n-th request on."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.names: list[str] = []

    def infer(self, name: str, _: object, client_timeout: float) -> None:
        assert client_timeout > 0
        self.names.append(name)
        if len(self.names) <= self.failures:
            raise InferenceServerException("model not found")


def test_answers_and_failures_are_counted_while_the_time_lasts() -> None:
    lock, asked = threading.Lock(), [0]

    def ask() -> None:
        with lock:
            asked[0] += 1
            number = asked[0]
        time.sleep(0.01)
        if number == 5:
            raise InferenceServerException("overloaded")

    started = time.monotonic()
    measured = bench.drive(ask, 0.5)
    assert 0.5 <= time.monotonic() - started < 3
    assert measured.failures == ["overloaded"]
    assert len(measured.latencies) == asked[0] - 1 > 50
    assert "1 failed" in str(measured)


def test_the_numbers_are_rate_and_percentiles() -> None:
    latencies = [0.001] * 98 + [0.1, 0.2]
    assert str(bench.Measured(latencies=latencies, seconds=2)).split() == [
        *("requests", "100,", "0", "failed", "rate", "50", "req/s", "p50", "1.0", "ms", "p99", "101.0", "ms")
    ]


def test_a_measurement_without_an_answer_is_an_error() -> None:
    def ask() -> None:
        raise InferenceServerException("gone")

    with pytest.raises(CommandError, match="no request was answered, the first failed with: gone"):
        bench.drive(ask, 0.1)


@pytest.mark.parametrize("seconds", [0, -1, 601])
def test_the_time_is_bounded(seconds: int) -> None:
    with pytest.raises(CommandError, match=f"SECONDS={seconds}: expected 1 to 600"):
        bench.bench(Namespace(seconds=seconds))


def cold(
    programs: Programs,
    stack: Stack,
    failures: int,
    copy: str = "",
    verbs: str = "get get create delete",
    **answers: str,
) -> tuple[float, list[str], Any]:
    given = programs.folder / "given"
    found = f"printf '%s' '{json.dumps(SERVICE)}'"
    cases = {"get inferenceservice --namespace models --output=json mine-bench": f"printf '%s' '{copy}'"}
    cases |= {"get": found, "create": f"cat >{given}", **answers}
    script = "\n".join(f"*' {verb} '*) {text} ;;" for verb, text in cases.items())
    programs.add("kubectl", f'case "$*" in\n{script}\nesac')
    programs.add("pulumi", """echo '{"namespace": "models"}'""")
    client = Client(failures)
    try:
        seconds = bench.cold_load(stack, ServedModel("mine", client), [])
    finally:
        assert [call.split()[4] for call in programs.calls("kubectl")] == verbs.split()
    return seconds, client.names, json.loads(given.read_text())


def test_a_cold_load_is_that_of_a_copy_which_is_deleted(programs: Programs, prod: Callable[[], Stack]) -> None:
    seconds, names, made = cold(programs, prod(), failures=3)
    assert names == ["mine-bench"] * 4
    assert seconds > 3 * 0.05
    assert made == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "mine-bench",
            "annotations": {"serving.kserve.io/deploymentMode": "ModelMesh", COPY_OF: "mine"},
        },
        "spec": SERVICE["spec"],
    }


def test_a_copy_that_a_killed_measurement_left_is_replaced(programs: Programs, prod: Callable[[], Stack]) -> None:
    left = json.dumps({"metadata": {"annotations": {COPY_OF: "mine"}}})
    cold(programs, prod(), failures=0, copy=left, verbs="get get delete create delete")


@pytest.mark.parametrize("metadata", [{}, {"annotations": {COPY_OF: "another"}}])
def test_a_service_of_the_copys_name_that_is_none_stays(
    programs: Programs, prod: Callable[[], Stack], metadata: dict[str, Any]
) -> None:
    with pytest.raises(CommandError, match="copy named mine-bench, and there is an InferenceService of this name"):
        cold(programs, prod(), failures=0, copy=json.dumps({"metadata": metadata}), verbs="get get")


def test_a_copy_that_never_answers_is_given_up_and_deleted(
    programs: Programs, prod: Callable[[], Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "COLD_SECONDS", 0.2)
    with pytest.raises(CommandError, match=r"mine-bench does not answer after 0\.2 s: model not found"):
        cold(programs, prod(), failures=10**6)


def test_a_copy_that_cannot_be_created_is_an_error(programs: Programs, prod: Callable[[], Stack]) -> None:
    with pytest.raises(CommandError, match="forbidden"):
        cold(programs, prod(), failures=0, create="echo forbidden >&2; exit 1")
