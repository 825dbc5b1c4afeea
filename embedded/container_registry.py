"""Reading images from container registries, such as Docker Hub or a mirror, without a container engine.

Requests use the proxy settings of the environment and log in as nobody. As for container engines, a registry on
loopback speaks plain HTTP and all others HTTPS.
"""

import hashlib
import http.client
import json
import platform
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from embedded.errors import EmbeddedError

DOCKER_HUB = "docker.io"
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"
)
_HUB_API = "registry-1.docker.io"
_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SECONDS = 30
"""Longest time without any data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Manifest of an image: its configuration and layers."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """Digest of the content, which identifies the image."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    def document(self) -> dict[str, Any]:
        """Content of the manifest, decoded."""
        document: dict[str, Any] = json.loads(self.content)
        return document

    def blobs(self) -> dict[str, int]:
        """Size of the configuration and of each layer by digest."""
        document = self.document()
        return {str(each["digest"]): int(each["size"]) for each in (document["config"], *document["layers"])}


class Repository:
    """The repository `name` in `registry`, which is a host with an optional port and path."""

    def __init__(self, registry: str, name: str) -> None:
        host, slash, path = registry.partition("/")
        scheme = "http" if _LOOPBACK.fullmatch(host) else "https"
        self._url = f"{scheme}://{_HUB_API if host == DOCKER_HUB else host}/v2/{path}{slash}{name}"
        self._token = ""

    def image(self, reference: str) -> Manifest:
        """Manifest of the image with this tag or digest, for this machine's architecture."""
        found = self._manifest(reference)
        if "manifests" not in found.document():
            return found
        architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
        for entry in found.document()["manifests"]:
            for_platform, digest = entry.get("platform", {}), str(entry["digest"])
            if (for_platform.get("os"), for_platform.get("architecture")) == ("linux", architecture):
                return self._manifest(digest)
        raise EmbeddedError(f"{reference} has no image for linux/{architecture}")

    @contextmanager
    def blob(self, digest: str) -> Iterator[http.client.HTTPResponse]:
        """Content of a configuration or layer as a stream, which the reader has to verify."""
        with self._open(f"blobs/{digest}") as response:
            yield response

    def _manifest(self, reference: str) -> Manifest:
        with self._open(f"manifests/{reference}") as response:
            found = Manifest(content=response.read(), media_type=response.headers.get_content_type())
        if _DIGEST.fullmatch(reference) and found.digest != reference:
            raise EmbeddedError(f"{reference} has other content, of digest {found.digest}")
        return found

    def _open(self, path: str) -> http.client.HTTPResponse:
        try:
            return self._get(path)
        except urllib.error.HTTPError as error:
            if error.code != http.client.UNAUTHORIZED:
                raise
            self._token = _token(error.headers.get("WWW-Authenticate", ""))
        return self._get(path)

    def _get(self, path: str) -> http.client.HTTPResponse:
        return _opened(f"{self._url}/{path}", self._token)


def reason(error: Exception) -> str:
    """Short text about a failed request, for a message."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the answer is {error.code} {error.reason}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(getattr(cause, "strerror", None) or cause) or type(error).__name__


def _token(challenge: str) -> str:
    """Token that the service in the challenge gives without a login."""
    kind, _, rest = challenge.partition(" ")
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    if kind.lower() != "bearer" or "realm" not in fields:
        raise EmbeddedError("a password is needed")
    query = urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
    with _opened(f"{fields['realm']}?{query}") as response:
        answer = json.load(response)
    return str(answer.get("token") or answer.get("access_token"))


def _opened(url: str, token: str = "") -> http.client.HTTPResponse:
    address = urlsplit(url)
    if address.scheme not in ("http", "https"):
        raise EmbeddedError(f"{url} is no address of a registry")
    request = urllib.request.Request(url, headers={"Accept": MANIFESTS})  # noqa: S310  checked above
    if token:
        # Layers are often on another host, to which the token must not be sent.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    # A proxy could not reach this machine's loopback.
    proxies = urllib.request.ProxyHandler({} if _LOOPBACK.fullmatch(address.netloc) else None)
    response: http.client.HTTPResponse = urllib.request.build_opener(proxies).open(request, timeout=_SECONDS)
    return response
