"""The wait for a served model, on a clock of its own, against status sequences as the real controller wrote them.

Times in the objects are seconds after `START`; the script says from which second of the wait on an object is seen.
"""

import asyncio
import datetime
from typing import Any, cast

import pulumi
import pytest

from components.core.kserve_api import InferenceServiceApi
from components.services import model_status, readiness
from components.services.readiness import NotServedError, Wait

START = datetime.datetime(2026, 5, 1, 12, 0, 0, tzinfo=datetime.UTC)
FAILURE = {"reason": "ModelLoadFailed", "message": "line 3 is no number", "location": "5f7c9d-x2x4q"}
UNSUPPORTED = {"reason": "NoSupportingRuntime", "message": "no runtime for custom-model"}


def at(seconds: int) -> str:
    return (START + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def service(
    active: str = "",
    *,
    target: str = "",
    transition: str = "UpToDate",
    ready: bool = False,
    failure: dict[str, Any] | None = None,
    spec: int | None = 0,
    status: int | None = 5,
    generation: int = 2,
) -> dict[str, Any]:
    """An InferenceService whose spec and status were last written at these seconds."""
    # An API server may leave out the time.
    fields: list[dict[str, Any]] = [{"manager": "old", "fieldsV1": {"f:spec": {}}}]
    if spec is not None:
        written: dict[str, Any] = {"f:metadata": {}, "f:spec": {}}
        fields.append({"manager": "pulumi", "operation": "Apply", "time": at(spec), "fieldsV1": written})
    seen: dict[str, Any] = {}
    if status is not None:
        fields.append({"manager": "manager", "subresource": "status", "time": at(status), "fieldsV1": {"f:status": {}}})
        states = {"activeModelState": active, **({"targetModelState": target} if target else {})}
        seen = {
            "conditions": [{"type": "PredictorReady", "status": "True"}, {"type": "Ready", "status": str(ready)}],
            "modelStatus": {"states": states, "transitionStatus": transition, "lastFailureInfo": failure},
        }
    # Someone's annotation: newer than all, but it is not the spec.
    fields.append({"manager": "someone", "time": at(9999), "fieldsV1": {"f:metadata": {}}})
    metadata = {"name": "sentiment", "generation": generation, "managedFields": fields}
    return {"metadata": metadata, "status": seen}


LOADED: dict[str, Any] = {"active": "Loaded", "ready": True}


class Cluster:
    """Plays a script of what is seen from which second on."""

    def __init__(self, script: dict[float, Any], *, controller: bool = True, declared: bool = True) -> None:
        self.script, self.controller, self.declared = script, controller, declared
        self.now, self.nudges = 0.0, list[float]()

    async def service(self) -> dict[str, Any] | None:
        seen = self.script[max(second for second in self.script if second <= self.now)]
        if isinstance(seen, Exception):
            raise seen
        return seen  # type: ignore[no-any-return]

    async def controller_ready(self) -> bool:
        return self.controller

    async def runtime_declared(self) -> bool:
        return self.declared

    async def nudge(self) -> None:
        self.nudges.append(self.now)

    def wait(self, total: float = 60) -> list[str]:
        """Waits; returns what was reported."""

        async def sleep(seconds: float) -> None:
            self.now += seconds

        reports: list[str] = []
        wait = Wait(
            name="sentiment",
            watched=cast("InferenceServiceApi", self),
            timeout_seconds=total,
            report=reports.append,
            clock=lambda: 1000 + self.now,
            sleep=sleep,
        )
        asyncio.run(wait.loaded())
        return reports


@pytest.mark.parametrize(
    ("active", "target", "transition", "failed"),
    [
        ("FailedToLoad", "", "UpToDate", True),
        ("Loaded", "FailedToLoad", "InProgress", True),
        ("Loaded", "", "BlockedByFailedLoad", True),
        ("", "", "InvalidSpecError", True),
        ("Loading", "", "InProgress", False),
        ("Loaded", "Loading", "InProgress", False),
    ],
)
def test_a_failure_is_a_state_and_its_reason(active: str, target: str, transition: str, failed: bool) -> None:
    def seen(failure: dict[str, Any] | None) -> model_status.ModelStatus:
        return model_status.read(service(active, target=target, transition=transition, failure=failure))

    assert seen(FAILURE).failed is failed
    assert not seen(None).failed
    assert not seen({"reason": "RuntimeUnhealthy"}).failed
    assert not seen(FAILURE).unsupported
    assert seen(UNSUPPORTED).unsupported is ("FailedToLoad" in (active, target))


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (service(status=None), "model not registered yet, no transition"),
        (service("Loaded"), "model Loaded, UpToDate"),
        (
            service("Loaded", target="Loading", transition="InProgress", failure=FAILURE),
            "model Loaded, next one Loading, InProgress, ModelLoadFailed: line 3 is no number",
        ),
    ],
)
def test_a_status_is_told_with_what_there_is_of_it(seen: dict[str, Any], told: str) -> None:
    assert str(model_status.read(seen)) == told


@pytest.mark.parametrize(
    "changes", [{}, {"ready": False}, {"active": "Loading"}, {"target": "Loading"}, {"transition": "InProgress"}]
)
def test_a_model_is_loaded_if_nothing_says_otherwise(changes: dict[str, Any]) -> None:
    assert model_status.read(service(**LOADED | changes)).loaded is (not changes)


def test_a_first_model_is_served_once_it_is_loaded() -> None:
    unhealthy = {"reason": "RuntimeUnhealthy", "message": "waiting for a runtime pod"}
    cluster = Cluster(
        {
            0: None,
            1: service(status=None),
            2: service("Pending", status=1),
            3: service("Loading", failure=unhealthy, transition="InProgress", status=2),
            20: service("Loading", ready=True, status=20),
            22: service(**LOADED, status=22),
        }
    )
    reports = cluster.wait()
    assert cluster.now == 22
    assert any("RuntimeUnhealthy" in text for text in reports)
    assert len(reports) == len(set(reports)), "a state is reported once"
    assert cluster.nudges == [], "its runtime is known"


def test_ready_alone_is_not_served() -> None:
    with pytest.raises(NotServedError, match="not served after 60 s"):
        Cluster({0: service("Loading", ready=True)}).wait()
    with pytest.raises(NotServedError):
        Cluster({0: service("Loaded", ready=True, target="Loading", transition="InProgress")}).wait()


def test_a_status_older_than_the_spec_counts_for_nothing() -> None:
    cluster = Cluster(
        {
            0: service(**LOADED, spec=10, status=5),
            3: service("Loaded", ready=True, target="Loading", transition="InProgress", spec=10, status=11),
            8: service(**LOADED, spec=10, status=18),
        }
    )
    cluster.wait()
    assert cluster.now == 8


def test_a_status_of_the_same_second_is_looked_at_twice() -> None:
    cluster = Cluster({0: service(**LOADED, spec=5, status=5)})
    cluster.wait()
    assert cluster.now == 1.5
    overtaken = Cluster(
        {
            0: service(**LOADED, spec=5, status=5),
            1: service("Loaded", ready=True, target="Loading", transition="InProgress", spec=5, status=5),
            6: service(**LOADED, spec=5, status=10),
        }
    )
    overtaken.wait()
    assert overtaken.now == 6


def test_a_status_of_the_first_spec_is_about_it() -> None:
    cluster = Cluster({0: service(**LOADED, spec=5, status=5, generation=1)})
    cluster.wait()
    assert cluster.now == 0


def test_a_first_spec_without_a_status_is_waited_for() -> None:
    cluster = Cluster({0: service(status=None, generation=1), 4: service(**LOADED, status=0, generation=1)})
    cluster.wait()
    assert cluster.now == 4


def test_a_spec_of_an_unknown_time_is_waited_for() -> None:
    cluster = Cluster({0: service(**LOADED, spec=None), 4: service(**LOADED)})
    cluster.wait()
    assert cluster.now == 4


def test_a_quiet_controller_has_nothing_to_say_about_a_change_of_labels() -> None:
    cluster = Cluster({0: service(**LOADED, spec=100, status=5)})
    cluster.wait()
    assert cluster.now == 10


def test_a_controller_that_is_down_says_nothing_by_its_silence() -> None:
    with pytest.raises(NotServedError, match="not served after"):
        Cluster({0: service(**LOADED, spec=100, status=5)}, controller=False).wait()


def test_a_model_that_cannot_be_loaded_ends_the_wait_with_the_meshs_own_reason() -> None:
    failure = FAILURE | {"time": at(4)}
    cluster = Cluster({0: service(status=None), 4: service("FailedToLoad", failure=failure, status=4)})
    with pytest.raises(NotServedError) as raised:
        cluster.wait()
    assert cluster.now == 4
    assert isinstance(raised.value, pulumi.RunError), "no traceback"
    for part in ("ModelLoadFailed", "line 3 is no number", "5f7c9d-x2x4q", "No model serves", "revert"):
        assert part in str(raised.value)


def test_a_failure_is_told_without_what_the_mesh_left_out() -> None:
    expected = "'sentiment' is not served: ModelLoadFailed: no message\nNo model serves under this name."
    with pytest.raises(NotServedError, match=expected):
        Cluster({0: service("FailedToLoad", failure={"reason": "ModelLoadFailed"})}).wait()


def test_a_failed_change_says_that_the_old_model_still_serves() -> None:
    failed = service(
        "Loaded",
        ready=True,
        target="FailedToLoad",
        transition="BlockedByFailedLoad",
        failure=FAILURE | {"time": at(12)},
        spec=10,
        status=12,
    )
    with pytest.raises(NotServedError, match="The model before it still serves"):
        Cluster({0: failed}).wait()


def test_the_failure_of_an_earlier_spec_is_not_this_ones() -> None:
    old = FAILURE | {"time": at(3)}
    cluster = Cluster(
        {
            0: service("FailedToLoad", failure=old, spec=10, status=4),
            2: service("FailedToLoad", failure=old, transition="InProgress", spec=10, status=11),
            4: service(**LOADED, spec=10, status=14),
        }
    )
    cluster.wait()
    assert cluster.now == 4


def test_a_failure_still_stands_after_a_change_of_labels() -> None:
    cluster = Cluster({0: service("FailedToLoad", failure=FAILURE | {"time": at(3)}, spec=100, status=4)})
    with pytest.raises(NotServedError, match="ModelLoadFailed"):
        cluster.wait()
    assert cluster.now == 10


def test_a_declared_runtime_that_is_not_known_yet_is_waited_for_and_asked_for_again() -> None:
    cluster = Cluster({0: service("FailedToLoad", failure=UNSUPPORTED), 32: service(**LOADED, status=40)})
    cluster.wait()
    assert cluster.now == 32
    assert cluster.nudges == [15, 30]


def test_a_model_that_no_pod_has_in_memory_is_asked_for_again() -> None:
    """By itself, the controller leaves it unloaded until the first request."""
    cluster = Cluster({0: service("Loading"), 4: service("Standby", ready=True), 36: service(**LOADED, status=40)})
    cluster.wait()
    assert cluster.now == 36
    assert cluster.nudges == [19, 34]


def test_the_former_model_may_be_unloaded_while_its_successor_loads() -> None:
    cluster = Cluster({0: service("Standby", target="Loading"), 40: service(**LOADED, status=50)})
    cluster.wait()
    assert cluster.nudges == []


def test_a_runtime_that_stays_unknown_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_UNSUPPORTED_SECONDS", 40)
    cluster = Cluster({0: service("FailedToLoad", failure=UNSUPPORTED)})
    with pytest.raises(NotServedError, match="Still the same after 40 s"):
        cluster.wait()
    assert cluster.now == 40.5


def test_a_runtime_that_nobody_declares_is_not_waited_for() -> None:
    cluster = Cluster({0: service("FailedToLoad", failure=UNSUPPORTED)}, declared=False)
    with pytest.raises(NotServedError, match="has no enabled runtime"):
        cluster.wait()
    assert cluster.now == 0


def test_an_api_server_that_does_not_answer_is_asked_again() -> None:
    cluster = Cluster({0: ConnectionError("refused"), 3: service(**LOADED)})
    assert "refused" in cluster.wait()[0]
    assert cluster.now == 3


def test_the_end_of_patience_tells_what_was_seen_last() -> None:
    with pytest.raises(NotServedError, match=r"Last seen: model Loading") as raised:
        Cluster({0: service("Loading", ready=True)}).wait(total=7)
    assert "kubectl" in str(raised.value)
