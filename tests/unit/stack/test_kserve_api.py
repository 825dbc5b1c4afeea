"""Requests to the API server, answered by a small server that knows some paths and none else."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pulumi
import pytest
import urllib3
from kubernetes import client

from components.core.cluster import Cluster
from components.core.kserve_api import NUDGE_ANNOTATION, InferenceServiceApi, ask

OWN = "/apis/serving.kserve.io/v1alpha1/namespaces/models/servingruntimes"
SERVICE = "/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices/sentiment"
SHARED = "/apis/serving.kserve.io/v1alpha1/clusterservingruntimes"


def runtime(name: str, **spec: Any) -> dict[str, Any]:
    formats = [{"name": "sklearn", "autoSelect": True}, {"name": "onnx"}]
    return {"metadata": {"name": name}, "spec": {"supportedModelFormats": formats, **spec}}


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[Any, Any]]:
    """Answers by method and path; a patch becomes the answer to itself."""
    known: dict[Any, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = known.get((self.command, self.path))
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def do_PATCH(self) -> None:
            known[self.command, self.path] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        configuration = client.Configuration()
        configuration.host = f"http://127.0.0.1:{server.server_port}"
        configuration.proxy = None
        monkeypatch.setattr(Cluster, "api_client", lambda _: client.ApiClient(configuration))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield known
        server.shutdown()


def service(name: str | None = None, model_format: str = "sklearn", **more: Any) -> InferenceServiceApi:
    return InferenceServiceApi(
        cluster=Cluster(kubeconfig="/nowhere", context="none"),
        namespace="models",
        name="sentiment",
        runtime=name,
        model_format=model_format,
        controller_namespace="modelmesh-serving",
        **more,
    )


def declared(name: str | None = None, model_format: str = "sklearn") -> bool:
    return asyncio.run(service(name, model_format).runtime_declared())


def test_runtimes_of_the_namespace_count_also_where_the_cluster_knows_no_shared_ones(
    objects: dict[Any, Any],
) -> None:
    assert declared() is False
    objects["GET", OWN] = {"items": [runtime("own")]}
    assert declared() is True


def test_a_runtime_is_meant_for_a_model_by_its_name_or_by_a_format_that_it_takes_by_itself(
    objects: dict[Any, Any],
) -> None:
    off = runtime("off", disabled=True)
    objects.update({("GET", OWN): {"items": [off]}, ("GET", SHARED): {"items": [runtime("shared"), off]}})
    assert declared() is True
    assert declared(model_format="onnx") is False
    assert declared("shared", model_format="onnx") is True
    assert declared("off") is False


def refusal(status: int, body: str = "") -> client.ApiException:
    problem = client.ApiException(status=status, reason="Because")
    problem.body = body
    return problem


@pytest.mark.parametrize(
    ("problem", "expected", "text"),
    [
        (refusal(401), pulumi.RunError, "refuses a request of this program: 401 Because"),
        (refusal(403, '{"message": "not yours"}'), pulumi.RunError, "refuses a request of this program: not yours"),
        (refusal(402), ConnectionError, "402 Because"),
        (refusal(405), ConnectionError, "405 Because"),
        (refusal(503, "null"), ConnectionError, "503 Because"),
        (refusal(500, '{"message": "no etcd"}'), ConnectionError, "no etcd"),
        (urllib3.exceptions.ProtocolError("cut off"), ConnectionError, "cut off"),
        (OSError("no route"), ConnectionError, "no route"),
    ],
)
def test_a_failed_request_ends_the_wait_only_if_it_is_refused(
    problem: Exception, expected: type[Exception], text: str
) -> None:
    def request(**_: Any) -> None:
        raise problem

    with pytest.raises(expected, match=text):
        asyncio.run(ask(request))


def test_what_does_not_exist_is_none() -> None:
    def request(**_: Any) -> None:
        raise refusal(404)

    assert asyncio.run(ask(request)) is None


@pytest.mark.parametrize(
    ("status", "ready"),
    [(None, False), ({}, False), ({"status": {}}, False), ({"status": {"readyReplicas": 1}}, True)],
)
def test_the_controller_is_ready_once_one_of_its_pods_is(
    objects: dict[Any, Any], status: dict[str, Any] | None, ready: bool
) -> None:
    if status is not None:
        path = "/apis/apps/v1/namespaces/modelmesh-serving/deployments/modelmesh-controller"
        objects["GET", path] = {"spec": {"selector": {}, "template": {}}, **status}
    assert asyncio.run(service().controller_ready()) is ready


def test_each_nudge_changes_the_annotation(objects: dict[Any, Any]) -> None:
    async def nudge() -> list[dict[str, Any]]:
        api = service()
        found = []
        for _ in range(2):
            await api.nudge()
            found.append(objects["PATCH", SERVICE])
        return found

    annotations = [patch["metadata"]["annotations"] for patch in asyncio.run(nudge())]
    assert annotations == [{NUDGE_ANNOTATION: "1"}, {NUDGE_ANNOTATION: "2"}]


def test_a_client_may_be_shared_by_many_services(objects: dict[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Cluster(kubeconfig="/nowhere", context="none").api_client()
    objects["GET", SERVICE] = {"kind": "InferenceService"}
    monkeypatch.setattr(Cluster, "api_client", lambda _: pytest.fail("there is one already"))
    assert asyncio.run(service(api=shared).service()) == {"kind": "InferenceService"}
