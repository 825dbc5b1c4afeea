"""Image registry: Debian's docker-registry on the node's address, over plain HTTP, reachable by host and node only."""

import http.client
from collections.abc import Mapping
from typing import IO
from urllib.parse import urlsplit

from embedded import files
from embedded.container_registry import MANIFESTS, Manifest
from embedded.errors import EmbeddedError
from embedded.instance import REGISTRY_PORT, Instance
from embedded.processes import Process

NAME = "registry"


def process(instance: Instance, enter: tuple[str, ...]) -> Process:
    """Registry process in the node's network, which `enter` enters."""
    config = files.write_yaml(instance.settings / "registry.yaml", configuration(instance))
    return Process(
        name=NAME,
        argv=("/usr/bin/docker-registry", "serve", str(config)),
        enter=enter,
        inputs=(config,),
        ready=lambda _: _request(instance, "GET", "/v2/").status == http.client.OK,
    )


def configuration(instance: Instance) -> dict[str, object]:
    """Configuration of docker-registry; storage is content-addressed and shared by instances and checkouts."""
    return {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(instance.cache / "registry")},
            "delete": {"enabled": True},
        },
        "http": {"addr": instance.registry},
    }


def digest(instance: Instance, repository: str, tag: str) -> str | None:
    """Digest (sha256:…) of `repository:tag`; None if the registry has no such image."""
    response = _request(instance, "HEAD", f"/v2/{repository}/manifests/{tag}")
    return response.getheader("Docker-Content-Digest") if response.status == http.client.OK else None


def has_blob(instance: Instance, repository: str, digest: str) -> bool:
    """Whether the registry has the layer or configuration of this digest."""
    return _request(instance, "HEAD", f"/v2/{repository}/blobs/{digest}").status == http.client.OK


def put_blob(instance: Instance, repository: str, digest: str, content: IO[bytes], size: int) -> None:
    """Store a layer or configuration of `size` bytes; the registry verifies its digest."""
    begun = _request(instance, "POST", f"/v2/{repository}/blobs/uploads/")
    place = urlsplit(begun.getheader("Location", ""))
    path = f"{place.path}?{place.query}{'&' if place.query else ''}digest={digest}"
    _created(_request(instance, "PUT", path, content, {"Content-Length": str(size)}))


def put_manifest(instance: Instance, repository: str, manifest: Manifest) -> None:
    """Store an image, whose layers and configuration are stored already, under its digest."""
    path, headers = f"/v2/{repository}/manifests/{manifest.digest}", {"Content-Type": manifest.media_type}
    _created(_request(instance, "PUT", path, manifest.content, headers))


def _created(response: http.client.HTTPResponse) -> None:
    if response.status != http.client.CREATED:
        raise EmbeddedError(f"the node's registry answered {response.status} {response.reason}")


def _request(
    instance: Instance,
    method: str,
    path: str,
    body: bytes | IO[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> http.client.HTTPResponse:
    # http.client ignores proxy settings; a proxy could not reach the node. A large layer takes long to verify.
    connection = http.client.HTTPConnection(str(instance.node_address), REGISTRY_PORT, timeout=60 if body else 10)
    try:
        connection.request(method, path, body, {"Accept": MANIFESTS, **(headers or {})})
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()
