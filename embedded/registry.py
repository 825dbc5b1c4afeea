"""Image registry: Debian's docker-registry on the node's address, over plain HTTP, reachable by host and node only."""

import http.client

from embedded import files
from embedded.instance import REGISTRY_PORT, Instance
from embedded.processes import Process

NAME = "registry"
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"
)


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


def _request(instance: Instance, method: str, path: str) -> http.client.HTTPResponse:
    # http.client ignores proxy settings; a proxy could not reach the node.
    connection = http.client.HTTPConnection(str(instance.node_address), REGISTRY_PORT, timeout=10)
    try:
        connection.request(method, path, headers={"Accept": _MANIFESTS})
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()
