"""A small registry of images on loopback, with the requests that clients make to pull and push."""

import hashlib
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Registry:
    """What a registry has, and what it was asked."""

    token: str
    """What a client has to get from the service for tokens before it is answered; empty for none."""
    blobs_at: "Registry | None"
    """The server to which requests for blobs are redirected."""
    port: int = 0
    manifests: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    """Content and media type by repository, and tag or digest."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    """The header Authorization of each request."""
    answers: "queue.SimpleQueue[None] | None" = None
    """If there is a queue, each answer takes an entry from it, and waits until there is one."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add(self, name: str, manifest: bytes, media_type: str, tag: str = "") -> str:
        """Publish a manifest; its digest."""
        digest = digest_of(manifest)
        for reference in filter(None, (digest, tag)):
            self.manifests[name, reference] = manifest, media_type
        return digest

    def release(self) -> None:
        """Let every request be answered."""
        waiting, self.answers = self.answers, None
        for _ in range(100):
            if waiting:
                waiting.put(None)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextmanager
def serving(token: str = "", blobs_at: Registry | None = None) -> Iterator[Registry]:
    """A registry that is served while the block runs."""
    registry = Registry(token, blobs_at)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"registry": registry}))
    server.daemon_threads = True
    registry.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    registry: Registry

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        registry, address = self.registry, urlsplit(self.path)
        if registry.answers:
            registry.answers.get()
        if address.path == "/token":
            asked = parse_qs(address.query)
            assert asked["service"] == ["tests"]
            return self._answer(200, json.dumps({"token": registry.token + asked["scope"][0]}).encode())
        registry.seen.append(self.headers.get("Authorization", ""))
        _, _, *parts, kind, reference = address.path.split("/")
        name = "/".join(parts)
        if registry.token and registry.seen[-1] != f"Bearer {registry.token}repository:{name}:pull":
            realm = f'Bearer realm="http://{registry.address}/token",service="tests",scope="repository:{name}:pull"'
            return self._answer(401, headers={"WWW-Authenticate": realm})
        if kind == "manifests":
            content, media_type = registry.manifests.get((name, reference), (None, ""))
            digest = digest_of(content or b"")
            headers = {"Content-Type": media_type, "Docker-Content-Digest": digest}
            return self._answer(404 if content is None else 200, content or b"", headers)
        if registry.blobs_at:
            return self._answer(307, headers={"Location": f"http://{registry.blobs_at.address}{self.path}"})
        content = registry.blobs.get(reference)
        return self._answer(404 if content is None else 200, content or b"")

    def do_POST(self) -> None:
        self._answer(202, headers={"Location": f"http://{self.registry.address}{self.path}one?state=x"})

    def do_PUT(self) -> None:
        registry, address = self.registry, urlsplit(self.path)
        content = self.rfile.read(int(self.headers["Content-Length"]))
        _, _, *parts, kind, reference = address.path.split("/")
        if kind == "uploads":
            (reference,) = parse_qs(address.query)["digest"]
        if digest_of(content) != reference:
            return self._answer(400)
        if kind == "uploads":
            registry.blobs[reference] = content
        else:
            named = json.loads(content)
            if {named["config"]["digest"], *(layer["digest"] for layer in named["layers"])} - registry.blobs.keys():
                return self._answer(400)
            registry.add("/".join(parts), content, self.headers["Content-Type"])
        return self._answer(201)

    def _answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
