"""Another cluster, as far as a stack can tell: the same API server with another UID, and without any object."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

import components as mm

UID = "99999999-8888-7777-6666-555555555555"
_SCHEMAS = re.compile(r"/(version|openapi.*|apis?(/[^/]+)?(/v[^/]+)?)(\?.*)?")
"""Paths that describe what an API server serves, and no object."""


@contextmanager
def another_cluster(kubeconfig: Path, context: str) -> Iterator[None]:
    """While the block runs, the kubeconfig leads to it."""
    own = kubeconfig.read_text(encoding="utf-8")
    api = mm.Cluster(kubeconfig=str(kubeconfig), context=context).api_client()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = "application/json", json.dumps({"kind": "Status", "code": 404, "reason": "NotFound"}).encode()
            status = 404
            if _SCHEMAS.fullmatch(self.path):
                accept = {"Accept": self.headers.get("Accept", "*/*")}
                found = api.rest_client.pool_manager.request("GET", api.configuration.host + self.path, headers=accept)
                status, kind, body = found.status, found.headers["Content-Type"], found.data
            elif self.path == "/api/v1/namespaces/kube-system":
                status, body = 200, json.dumps({"metadata": {"name": "kube-system", "uid": UID}}).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        parts = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{listening.server_port}"}}],
            "users": [{"name": "u", "user": {"token": "none"}}],
            "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
        }
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        try:
            kubeconfig.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **parts}), encoding="utf-8")
            yield
        finally:
            kubeconfig.write_text(own, encoding="utf-8")
            listening.shutdown()
