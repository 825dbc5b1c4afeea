"""The progress of a large model's publishing, read from the Job's pod."""

import asyncio
from typing import Any

import pytest
from kubernetes import client

from components.core.cluster import Cluster
from components.stores import publishing_progress
from components.stores.publishing_progress import report_progress

CLUSTER = Cluster(kubeconfig="unused", context="unused")


def pod(name: str, phase: str, minute: int) -> client.V1Pod:
    created = f"2026-11-22T00:{minute:02}:00Z"
    return client.V1Pod(
        metadata=client.V1ObjectMeta(name=name, creation_timestamp=created), status=client.V1PodStatus(phase=phase)
    )


class Pods:
    """An API server that answers each look with the next state of the Job's pods and the log of the newest one."""

    def __init__(self, *states: list[client.V1Pod] | Exception, log: str = "") -> None:
        self.states, self.log, self.asked = list(states), log, list[str]()

    def list_namespaced_pod(self, _namespace: str, **asked: Any) -> client.V1PodList:
        self.asked.append(asked["label_selector"])
        state = self.states.pop(0) if self.states else []
        if isinstance(state, Exception):
            raise state
        return client.V1PodList(items=state)

    def read_namespaced_pod_log(self, name: str, _namespace: str, *, tail_lines: int, **_: Any) -> str:
        return "\n".join(["started", f"{self.log} of {name}"][-tail_lines:]) + "\n"


def reported(
    pods: Pods, monkeypatch: pytest.MonkeyPatch, result: Exception | None = None, seconds: float = 0
) -> list[str]:
    """What is reported until the Job is done, which is when all states were read."""
    monkeypatch.setattr(Cluster, "api_client", lambda _: None)
    monkeypatch.setattr(client, "CoreV1Api", lambda _: pods)
    monkeypatch.setattr(publishing_progress, "_SECONDS", seconds)
    texts: list[str] = []

    async def published() -> None:
        while pods.states:
            await asyncio.sleep(0.001)
        for _ in range(20):  # as many looks as this could take place by now
            await asyncio.to_thread(int)
        if result:
            raise result

    progress = report_progress(CLUSTER, "models", "publish-a", until=published(), report=texts.append)
    asyncio.run(asyncio.wait_for(progress, 5))
    assert set(pods.asked) == {"job-name=publish-a"}
    return texts


def test_the_newest_pods_log_is_reported_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = pod("first", "Failed", 0), pod("second", "Running", 1)
    pods = Pods([], [pod("first", "Pending", 0)], [second, first], [second, first], log="1 of 2 bytes")
    waiting, uploading = reported(pods, monkeypatch)
    assert waiting.startswith("first is not running yet")
    assert uploading == "1 of 2 bytes of second"


@pytest.mark.parametrize("status", [403, 404, 500])
def test_pods_that_cannot_be_read_do_not_end_the_update(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = client.ApiException(status=status, reason="no")
    pods = Pods(problem, [pod("a", "Running", 0)], problem, log="uploading")
    assert reported(pods, monkeypatch) == ["uploading of a"]


def test_it_ends_with_a_job_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reported(Pods([]), monkeypatch, RuntimeError("the Job has failed")) == []


def test_a_pod_is_looked_at_only_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    pods = Pods([pod("a", "Running", 0)], log="uploading")
    assert reported(pods, monkeypatch, seconds=60) == ["uploading of a"]
    assert len(pods.asked) == 1
