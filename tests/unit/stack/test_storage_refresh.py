"""Which running pods have to be told of a changed storage Secret."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes import client

from components.core.cluster import Cluster
from components.installation.storage_refresh import ANNOTATION, refresh_storage, stale_pods

SECRET = {
    "resourceVersion": "7",
    "managedFields": [{"time": "2026-01-01T10:00:00Z"}, {"time": "2026-01-01T12:00:00Z"}, {"manager": "an old one"}],
}


def pod(created: str, seen: str | None = None) -> dict[str, Any]:
    annotations = {"annotations": {ANNOTATION: seen}} if seen else {}
    return {"metadata": {"name": "pod", "creationTimestamp": created, **annotations}}


@pytest.mark.parametrize(
    ("found", "stale"),
    [
        (pod("2026-01-01T11:00:00Z"), True),
        (pod("2026-01-01T12:00:00Z"), True),
        (pod("2026-01-01T12:00:01Z"), False),
        (pod("2026-01-01T11:00:00Z", seen="6"), True),
        (pod("2026-01-01T11:00:00Z", seen="7"), False),
    ],
)
def test_a_pod_older_than_the_change_is_told_once(found: dict[str, Any], stale: bool) -> None:
    assert stale_pods([found], SECRET) == ({"pod": "7"} if stale else {})


def test_where_nobody_knows_when_it_changed_every_pod_is_told() -> None:
    assert stale_pods([pod("2026-01-01T11:00:00Z")], {"resourceVersion": "7"}) == {"pod": "7"}


class Pods:
    """A small API server with one old pod; it may refuse changes of it, and lack what is asked for."""

    def __init__(self) -> None:
        self.refuses = False
        self.lacks = ""
        self.items = [pod("2026-01-01T11:00:00Z")]
        self.asked: list[str] = []
        self.waited: list[float] = []
        self.patched: list[tuple[str, Any]] = []
        self.told: list[str] = []

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.asked.append(path)
        if method == "PATCH":
            if self.refuses:
                return 403, {"message": "pods is forbidden"}
            self.patched.append((path, body))
            return 200, {}
        if self.lacks and self.lacks in path:
            return 404, {}
        if path.startswith("/api/v1/namespaces/models/pods?labelSelector=modelmesh-service%3Dmesh"):
            return 200, {"items": self.items}
        assert path == "/api/v1/namespaces/models/secrets/storage-config"
        return 200, {"metadata": SECRET}

    def show(self) -> None:
        cluster = Cluster(kubeconfig="/nowhere", context="none")
        refreshed = refresh_storage(
            cluster=cluster,
            namespace="models",
            secret="storage-config",  # noqa: S106  a name
            service="mesh",
            report=self.told.append,
        )
        asyncio.run(refreshed)


@pytest.fixture
def pods(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pods]:
    found = Pods()

    async def sleep(seconds: float) -> None:
        found.waited.append(seconds)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
            status, answer = found.answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_PATCH = do_GET  # noqa: N815  the name that the server looks for

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        configuration = client.Configuration()
        configuration.host = f"http://127.0.0.1:{server.server_port}"
        configuration.proxy = None
        monkeypatch.setattr(Cluster, "api_client", lambda _: client.ApiClient(configuration))
        monkeypatch.setattr("components.installation.storage_refresh.asyncio.sleep", sleep)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def test_an_old_pod_is_touched_by_an_annotation(pods: Pods) -> None:
    pods.show()
    annotated = {"metadata": {"annotations": {ANNOTATION: "7"}}}
    assert pods.patched == [("/api/v1/namespaces/models/pods/pod", annotated)]
    assert pods.told == ["refreshing the storage Secret in 1 running pods"]
    assert pods.waited == [3.0], "for the kubelet"


@pytest.mark.parametrize("lacks", ["/pods", "/secrets"])
def test_without_pods_or_secret_nothing_is_refreshed(pods: Pods, lacks: str) -> None:
    pods.lacks = lacks
    pods.show()
    assert pods.told == []
    assert pods.patched == []
    assert pods.waited == []


def test_without_running_pods_the_secret_is_not_read(pods: Pods) -> None:
    pods.items = []
    pods.show()
    assert pods.told == []
    assert len(pods.asked) == 1


def test_who_may_not_touch_pods_is_told_that_it_takes_longer(pods: Pods) -> None:
    pods.refuses = True
    pods.show()
    assert pods.told[-1].startswith(
        "running pods get the changed storage Secret in a minute or two: The API server refuses"
    )
