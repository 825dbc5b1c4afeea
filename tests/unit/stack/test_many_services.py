"""One wait for many services: what counts as served, and what ends it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from kubernetes import client

from components.core.cluster import Cluster
from components.services import many_services, readiness
from components.services.many_services import ManyServices
from components.services.readiness import NotServedError

WRITTEN, LATER = "2026-01-01T10:00:00Z", "2026-01-01T10:00:05Z"
SPEC = {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storage": {"path": "a"}}}}


def service(name: str, state: str = "Loaded", path: str = "a", reason: str = "", **more: Any) -> dict[str, Any]:
    """As the API server has it."""
    model = {"modelFormat": {"name": "sklearn", "version": None}, "storage": {"path": path}}
    failure = {"lastFailureInfo": {"reason": reason, "message": "why", "time": LATER}} if reason else {}
    return {
        "metadata": {
            "name": name,
            "managedFields": [
                {"time": WRITTEN, "fieldsV1": {"f:spec": {}}},
                {"time": LATER, "subresource": "status"},
            ],
        },
        "spec": {"predictor": {"model": model}},
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if state == "Loaded" else "False"}],
            "modelStatus": {"states": {"activeModelState": state}, "transitionStatus": "UpToDate", **failure},
        },
        **more,
    }


def job(*conditions: str, name: str = "table-1") -> client.V1Job:
    """A Job with these conditions."""
    found = [client.V1JobCondition(type=each, status="True", message=f"{each}Message") for each in conditions]
    return client.V1Job(metadata=client.V1ObjectMeta(name=name), status=client.V1JobStatus(conditions=found or None))


APPLYING, APPLIED = job(), job("SuccessCriteriaMet", "Complete")


class World:
    """What is asked of a cluster, one answer a time; the last one stays."""

    def __init__(self, *looks: tuple[client.V1Job | Sequence[client.V1Job], list[dict[str, Any]]]) -> None:
        self._looks = list(looks)
        self.told: list[str] = []

    def wait(
        self,
        monkeypatch: pytest.MonkeyPatch,
        names: str = "one two",
        patience: float = 60,
        jobs: dict[str, str] | None = None,
    ) -> None:
        """Wait for these services; `jobs` names the Jobs of those that have another one than the first."""
        wait = ManyServices(
            cluster=Cluster(kubeconfig="/nowhere", context="none"), namespace="models", controller_namespace="serving",
            selector="a=b", jobs=dict.fromkeys(names.split(), "table-1") | (jobs or {}),
            urns={"table-1": "urn:job"} | {each: f"urn:{each}" for each in (jobs or {}).values()},
            specs=dict.fromkeys(names.split(), SPEC),
            runtimes=dict.fromkeys(names.split(), (None, "sklearn")), timeout_seconds=patience,
            report=self.told.append,
        )  # fmt: skip
        monkeypatch.setattr(many_services, "_POLL_SECONDS", 0)
        monkeypatch.setattr(many_services, "ask", self._ask)
        monkeypatch.setattr(many_services, "InferenceServiceApi", lambda **_: None)
        monkeypatch.setattr(Cluster, "api_client", lambda _: None)
        asyncio.run(wait.loaded())

    async def _ask(self, request: Callable[..., Any], *_: Any, **__: Any) -> Any:
        if request.__name__ == "list_namespaced_job":
            found = self._looks[0][0]
            return client.V1JobList(items=[found] if isinstance(found, client.V1Job) else found)
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        return {"items": look[1]}


def test_it_ends_when_all_answer_and_says_on_the_way_how_many_do(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(
        (APPLYING, []),
        (APPLYING, [service("one"), service("declared-no-more")]),
        (APPLIED, [service("one"), service("two", "Loading")]),
        (APPLIED, [service("one"), service("two")]),
    )
    world.wait(monkeypatch)
    assert world.told == ["0 of 2 models are served", "1 of 2 models are served"]


def test_all_of_them_answering_is_not_enough_while_the_job_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World((APPLYING, [service("one"), service("two")]))
    with pytest.raises(NotServedError):
        world.wait(monkeypatch, patience=0.05)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (job("Failed"), "did not apply 2 of 2 .*: FailedMessage\\."),
        (job("Suspended"), "2 models are not served"),
        (APPLYING, "2 models are not served"),
        ([], "2 models are not served"),
        ([job("Complete", name="another")], "2 models are not served"),
        ([APPLIED, job("Failed", name="another"), job("Complete", name="old")], ""),
        (APPLIED, ""),
    ],
)
def test_the_job_has_to_be_complete(
    monkeypatch: pytest.MonkeyPatch, found: client.V1Job | Sequence[client.V1Job], expected: str
) -> None:
    world = World((found, [service("one"), service("two")]))
    with pytest.raises(NotServedError, match=expected) if expected else nullcontext():
        world.wait(monkeypatch, patience=0.05)


def test_a_service_of_the_spec_before_is_not_served_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    old = (APPLYING, [service("one"), service("two", path="old")])
    world = World(old, old, (APPLIED, [service("one"), service("two")]))
    world.wait(monkeypatch)
    assert world.told == ["1 of 2 models are served"]


def test_failures_are_told_with_their_reason_and_the_many_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"m{number}" for number in range(9)]
    bad = [service(name, "FailedToLoad", reason="ModelLoadFailed") for name in names]
    with pytest.raises(NotServedError, match=r"'m0' is not served: ModelLoadFailed: why(.|\n)*and 6 more"):
        World((APPLIED, bad)).wait(monkeypatch, " ".join(names))
    with pytest.raises(NotServedError) as raised:
        World((APPLIED, bad[:3])).wait(monkeypatch, " ".join(names[:3]))
    assert "more" not in str(raised.value)


@pytest.mark.parametrize(
    "found",
    [
        [service("one")],
        [service("one"), service("two", path="by-hand")],
        [service("one"), service("two", spec={"predictor": {}})],
    ],
)
def test_what_somebody_changed_or_deleted_since_is_named(
    found: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        NotServedError, match=r"after they were applied: two\.\nTo apply them again: pulumi up --replace 'urn:job'"
    ):
        World((APPLIED, found)).wait(monkeypatch)


def test_each_job_has_to_be_complete_and_a_service_is_held_against_what_its_own_has_applied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both, old, other = [service("one"), service("two")], service("two", path="old"), {"two": "table-2"}
    world = World(
        ([APPLIED], [service("one"), old]),
        ([APPLIED, job(name="table-2")], both),
        ([APPLIED, job("Complete", name="table-2")], both),
    )
    world.wait(monkeypatch, jobs=other)
    assert world.told == ["1 of 2 models are served", "2 of 2 models are served"]
    with pytest.raises(NotServedError, match=r"did not apply 1 of 2 .*\n.* logs job/table-2"):
        World(([APPLIED, job("Failed", name="table-2")], both)).wait(monkeypatch, jobs=other)
    with pytest.raises(NotServedError, match=r"were applied: one\.\n.*: pulumi up --replace 'urn:job'$"):
        World((APPLIED, [])).wait(monkeypatch, jobs=other)
    with pytest.raises(NotServedError, match=r": one, two\.\n.*--replace 'urn:job' --replace 'urn:table-2'$"):
        World(([APPLIED, job("Complete", name="table-2")], [])).wait(monkeypatch, jobs=other)


def test_in_the_end_those_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World((APPLIED, [service("one"), service("two", "Loading")]))
    with pytest.raises(NotServedError, match=r"1 of 2 models are not served after 0 s: two\."):
        world.wait(monkeypatch, patience=0.05)


@pytest.mark.parametrize(("names", "named"), [("c b a", "a, b, c"), ("d c b a", "a, b, c and 1 more")])
def test_of_many_that_are_missing_a_few_are_named(names: str, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World((APPLYING, []))
    with pytest.raises(NotServedError, match=rf" models are not served after 0 s: {named}\.\n"):
        world.wait(monkeypatch, names, patience=0.05)


def test_a_status_that_may_be_older_than_the_spec_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_SAME_SECOND", 1e-9)
    served = service("one")
    for entry in served["metadata"]["managedFields"]:
        entry["time"] = LATER
    world = World((APPLIED, [served]))
    world.wait(monkeypatch, "one", patience=1)
    assert world.told == ["0 of 1 models are served"]
