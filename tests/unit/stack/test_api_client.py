"""Waits and the guard reach the cluster as the environment says."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from kubernetes import client

from components import Cluster


class Version(BaseHTTPRequestHandler):
    """An API server that knows its version."""

    def do_GET(self) -> None:
        body = b'{"major": "1", "minor": "34"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the output of tests short."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster on loopback, without TLS."""
    with HTTPServer(("127.0.0.1", 0), Version) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        document = {
            "clusters": [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{"name": "x", "user": {}}],
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
        yield Cluster(kubeconfig=str(tmp_path / "kubeconfig"), context="x")
        server.shutdown()


@pytest.mark.parametrize("spelling", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("exception", ["127.0.0.1", "127.0.0.0/8"])
def test_the_client_uses_no_proxy_for_an_exception(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, spelling: str, exception: str
) -> None:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setenv(spelling, exception)
    assert client.VersionApi(cluster.api_client(retries=False)).get_code(_preload_content=False).status == 200


def test_a_request_that_fails_to_connect_is_repeated_unless_told_otherwise(cluster: Cluster) -> None:
    assert cluster.api_client().configuration.retries is None, "the library's default"
    assert cluster.api_client(retries=False).configuration.retries is False
