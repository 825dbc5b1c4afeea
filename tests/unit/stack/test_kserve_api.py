"""Requests to the API server, answered by a small server that knows some paths and none else."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes import client

from components.core.cluster import Cluster
from components.core.kserve_api import InferenceServiceApi

OWN = "/apis/serving.kserve.io/v1alpha1/namespaces/models/servingruntimes"
SHARED = "/apis/serving.kserve.io/v1alpha1/clusterservingruntimes"


def runtime(name: str, **spec: Any) -> dict[str, Any]:
    formats = [{"name": "sklearn", "autoSelect": True}, {"name": "onnx"}]
    return {"metadata": {"name": name}, "spec": {"supportedModelFormats": formats, **spec}}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[dict[str, Any]]]]:
    known: dict[str, list[dict[str, Any]]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = known.get(self.path)
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"items": found or []}).encode())

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


def declared(name: str | None = None, model_format: str = "sklearn") -> bool:
    api = InferenceServiceApi(
        cluster=Cluster(kubeconfig="/nowhere", context="none"),
        namespace="models",
        name="sentiment",
        runtime=name,
        model_format=model_format,
        controller_namespace="modelmesh-serving",
    )
    return asyncio.run(api.runtime_declared())


def test_runtimes_of_the_namespace_count_also_where_the_cluster_knows_no_shared_ones(
    answers: dict[str, list[dict[str, Any]]],
) -> None:
    assert declared() is False
    answers[OWN] = [runtime("own")]
    assert declared() is True


def test_a_runtime_is_meant_for_a_model_by_its_name_or_by_a_format_that_it_takes_by_itself(
    answers: dict[str, list[dict[str, Any]]],
) -> None:
    answers.update({OWN: [], SHARED: [runtime("shared"), runtime("off", disabled=True)]})
    assert declared() is True
    assert declared(model_format="onnx") is False
    assert declared("shared", model_format="onnx") is True
    assert declared("off") is False
