"""An API server on loopback with objects that were recorded on a real cluster; it answers GET and nothing else."""

import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cli.doctor.api import Identity, Object

RECORDED = Path(__file__).with_name("recorded")
KINDS = {"Event": "v1", "Pod": "v1", "InferenceService": "serving.kserve.io/v1beta1"}
"""Kinds of which there may be no object, with their API versions."""


@dataclass
class RecordedCluster:
    """Objects of one cluster, the state of a stack on it, and the rights of the account that asks."""

    state: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[Identity, Object] = field(default_factory=dict)
    events: list[Object] = field(default_factory=list)
    logs: dict[str, list[str]] = field(default_factory=dict)
    """Lines by `pod/container`, and by `pod/container/previous` for those before the last restart."""
    memory: dict[tuple[str, str, str], int] = field(default_factory=dict)
    failing: dict[str, int] = field(default_factory=dict)
    """Status for each path that has this part, such as a plural that the account may not read."""
    requests: list[str] = field(default_factory=list)

    def add(self, objects: Iterable[Object]) -> None:
        """Add objects, or put them in the place of those with the same names."""
        for each in objects:
            metadata = each["metadata"]
            self.objects[Identity(each["kind"], metadata.get("namespace", ""), metadata["name"])] = each

    def one(self, kind: str, name: str = "") -> Object:
        """The only object of a kind, or the one whose name begins like that."""
        (found,) = (each for key, each in self.objects.items() if key.kind == kind and key.name.startswith(name))
        return found

    @contextmanager
    def served(self, folder: Path) -> Iterator[Path]:
        """A kubeconfig that leads to it while the block runs."""
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                cluster.requests.append(self.path)
                status, body = cluster.answer(self.path)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        named = {"name": "recorded"}
        file = folder / "kubeconfig"
        file.write_text(
            json.dumps(
                {
                    "clusters": [named | {"cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
                    "users": [named | {"user": {"token": "reader"}}],
                    "contexts": [named | {"context": {"cluster": "recorded", "user": "recorded"}}],
                }
            )
        )
        try:
            yield file
        finally:
            server.shutdown()
            server.server_close()

    def answer(self, path: str) -> tuple[int, str]:
        """Status and body of the answer to a request."""
        url = urlsplit(path)
        root = re.match(r"/api/v1|/apis/[^/]+/[^/]+|", url.path)
        assert root
        parts = url.path.removeprefix(root[0]).strip("/").split("/")
        version = root[0].removeprefix("/apis/").removeprefix("/api/")
        if failing := self.failing.keys() & set(url.path.split("/")):
            return self.failing[failing.pop()], "{}"
        match parts:
            case ["version"]:
                found: Any = {"gitVersion": "v1.34.4"}
            case ["nodes", _, "proxy", "stats", "summary"]:
                found = {"pods": self._summary()}
            case [""]:
                found = {"resources": self._kinds(version)}
            case ["namespaces", _, "pods", pod, "log"]:
                query = parse_qs(url.query)
                key = [pod, query["container"][0], *["previous"] * (query["previous"] == ["true"])]
                return 200, "\n".join(self.logs.get("/".join(key), []))
            case ["namespaces", _, "events"]:
                found = {"items": self.events}
            case ["namespaces", namespace, plural, *name]:
                found = self._found(version, plural, namespace, name, parse_qs(url.query).get("labelSelector", []))
            case [plural, *name]:
                found = self._found(version, plural, "", name, [])
        return (200, json.dumps(found)) if found else (404, "{}")

    def _found(self, version: str, plural: str, namespace: str, name: list[str], labels: list[str]) -> Any:
        kept = [
            each
            for key, each in self.objects.items()
            if (_plural(key.kind), key.namespace, each["apiVersion"]) == (plural, namespace, version)
        ]
        if name:
            return next((each for each in kept if each["metadata"]["name"] == name[0]), None)
        wanted = dict(each.split("=") for each in labels)
        chosen = [each for each in kept if wanted.items() <= each["metadata"].get("labels", {}).items()]
        # Lists of built-in kinds leave out what all entries have in common.
        return {"items": [{key: value for key, value in each.items() if key != "kind"} for each in chosen]}

    def _kinds(self, version: str) -> list[dict[str, str]]:
        kinds = {key.kind for key, each in self.objects.items() if each["apiVersion"] == version}
        kinds |= {kind for kind, own in KINDS.items() if own == version}
        return [{"kind": kind, "name": _plural(kind)} for kind in kinds]

    def _summary(self) -> list[dict[str, Any]]:
        return [
            {
                "podRef": {"namespace": namespace, "name": pod},
                "containers": [{"name": container, "memory": {"workingSetBytes": used}}],
            }
            for (namespace, pod, container), used in self.memory.items()
        ]


def recorded(name: str) -> dict[str, Any]:
    """One recording."""
    parsed: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return parsed


def well() -> RecordedCluster:
    """The cluster of a stack that is well."""
    found = recorded("well")
    memory = {(place, pod, container): used for (place, pod, container), used in found["memory"]}
    cluster = RecordedCluster(state=found["state"], memory=memory)
    cluster.add(found["objects"])
    return cluster


def _plural(kind: str) -> str:
    return kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "s")
