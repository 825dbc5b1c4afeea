"""A small API server on loopback with a test's objects; it can return their metadata alone, as the real one does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from components.core.cluster import Cluster

UID = "11111111-2222-3333-4444-555555555555"
KUBE_SYSTEM = "/api/v1/namespaces/kube-system"
NAMESPACES = "/api/v1/namespaces"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CLUSTER_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"

WEBHOOK = "modelmesh-servingruntime.serving.kserve.io"
ROLE = "modelmesh-controller-role"
MARK = "modelmesh.pulumi.com/stack"
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


@dataclass
class ApiServer:
    """What is there, by path: metadata of objects, lists of resources of a group's version, or a status of its own."""

    cluster: Cluster
    known: dict[str, dict[str, Any] | int] = field(default_factory=lambda: {KUBE_SYSTEM: {"uid": UID}})
    asked: list[str] = field(default_factory=list)

    def has(
        self, collection: str, *names: str, owner: str | None = None, going: bool = False, awaited: bool = False
    ) -> None:
        """Puts objects there."""
        wait = {"pulumi.com/waitFor": "condition=Established"} if awaited else {}
        for name in names:
            self.known[f"{collection}/{name}"] = {
                "annotations": {"unrelated": "yes", **wait, **({MARK: owner} if owner else {})},
                **({"deletionTimestamp": "2026-11-22T00:00:00Z"} if going else {}),
            }

    def serves(self, group_version: str, *resources: str) -> None:
        """Puts resources there."""
        self.known[f"/apis/{group_version}"] = {"resources": [{"name": name} for name in resources]}

    def answer(self, path: str, accept: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        found = self.known.get(path)
        if isinstance(found, int):
            return found, {"message": f"the server says {found}"}
        if found is not None and "resources" in found:
            return 200, found
        if found is not None:
            assert accept == _METADATA.format("")
            return 200, {"metadata": {"name": path.rpartition("/")[2], **found}}
        items = [self.answer(each, _METADATA.format(""))[1] for each in self.known if each.rpartition("/")[0] == path]
        if items:
            assert accept == _METADATA.format("List")
            return 200, {"items": items}
        return 404, {"message": "not found"}


@contextmanager
def api_server(folder: Path, token: str = "a-token") -> Iterator[ApiServer]:  # noqa: S107  nobody's
    """Serves until the block ends; its kubeconfig is in the folder."""
    server = ApiServer(Cluster(kubeconfig=str(folder / "kubeconfig"), context="here"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = server.answer(self.path, self.headers["Accept"])
            if self.headers["Authorization"] != f"Bearer {token}":
                status, body = 401, {"message": "Unauthorized"}
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        write_kubeconfig(server.cluster.file, f"http://127.0.0.1:{listening.server_port}", token)
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            listening.shutdown()


def write_kubeconfig(file: Path, url: str, token: str = "a-token") -> None:  # noqa: S107  nobody's
    """One with the only context `here`."""
    parts = {
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    }
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **parts}))
