"""ModelMesh's own images, if a container registry serves them, and solo mesh otherwise.

What was found once is kept by its digest with the node's data, so that later starts use the same bits. That there is
solo mesh is kept as long as the node runs.
"""

import http.client
import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

from embedded import container_registry, files, registry
from embedded.container_registry import DOCKER_HUB, Manifest, Repository
from embedded.errors import EmbeddedError
from embedded.instance import Instance
from project.progress import step

WANTED = ("auto", "real", "solo")
VERSION = "v0.12.0"
REPOSITORIES = {"modelmesh": "kserve/modelmesh", "rest-proxy": "kserve/rest-proxy"}
"""Repositories of ModelMesh and its REST proxy, by configuration key of the image."""
_SECONDS = 8
_FAILURES = (OSError, http.client.HTTPException, EmbeddedError, ValueError, LookupError)
"""Errors of requests, and of reading an answer that is not a registry's."""


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Result of a search for ModelMesh's images."""

    registry: str = ""
    """Registry that was asked; empty if none was."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """Digest of each image found, by configuration key; empty if solo mesh stands in."""
    note: str = ""
    """Name of the mesh, and the reason for it."""

    def references(self, which: Instance) -> dict[str, str]:
        """References of the images in the node's registry."""
        return {key: f"{which.registry}/{REPOSITORIES[key]}@{digest}" for key, digest in self.digests.items()}


def find(which: Instance, wanted: str, asked: str, *, running: bool) -> Mesh:
    """Search for the images in the registry `asked`, which takes a few seconds at most and changes nothing.

    Args:
        which: The node, with whose data an earlier result is kept.
        wanted: One of `WANTED`.
        asked: Registry in place of Docker Hub, as host and optional path; empty for Docker Hub.
        running: Whether the node runs already.

    Raises:
        EmbeddedError: ModelMesh itself is wanted, and not found.
    """
    if wanted not in WANTED:
        raise EmbeddedError(f"`mesh` is {wanted!r}; expected {', '.join(WANTED[:-1])} or {WANTED[-1]}")
    asked, kept = asked.strip("/") or DOCKER_HUB, _kept(which)
    if wanted == "solo":
        return replace(kept, note="solo mesh, as `mesh: solo` demands")
    if kept.digests or (wanted == "auto" and running and kept.note and kept.registry in ("", asked)):
        return kept
    found = _found(asked)
    if wanted == "real" and not found.digests:
        raise EmbeddedError(f"`mesh` is real, but there would be {found.note}; nothing was changed")
    return found


def copy(which: Instance, mesh: Mesh, wanted: str) -> Mesh:
    """Copy the images into the node's registry and keep the result; solo mesh if that fails.

    Raises:
        EmbeddedError: ModelMesh itself is wanted, and the copy failed.
    """
    try:
        for key, digest in mesh.digests.items():
            name = REPOSITORIES[key]
            if wanted != "solo" and registry.digest(which, name, digest) is None:
                with step(f"image {name} from {mesh.registry}"):
                    _copy(which, Repository(mesh.registry, name), name, digest)
    except _FAILURES as error:
        problem = f"{name} cannot be copied from {mesh.registry} ({container_registry.reason(error)})"
        if wanted == "real":
            raise EmbeddedError(f"`mesh` is real, but {problem}; the same command carries on from here") from None
        return Mesh(registry=mesh.registry, note=f"solo mesh, since {problem}")
    if wanted != "solo" or not mesh.digests:
        files.write(which.data / "mesh.json", json.dumps(asdict(mesh)))
    return mesh


def _kept(which: Instance) -> Mesh:
    try:
        return Mesh(**json.loads((which.data / "mesh.json").read_text()))
    except (FileNotFoundError, TypeError, ValueError):
        return Mesh()


def _found(asked: str) -> Mesh:
    """Result of asking for all images at once."""
    end = time.monotonic() + _SECONDS
    answers = {key: _answer(Repository(asked, name), end) for key, name in REPOSITORIES.items()}
    digests, problems = dict[str, str](), dict[str, str]()
    for key, answer in answers.items():
        try:
            digests[key] = answer().digest
        except _FAILURES as error:
            problems[key] = container_registry.reason(error)
    image = f"{asked}/{REPOSITORIES['modelmesh']}:{VERSION}"
    if why := problems.get("modelmesh"):
        return Mesh(registry=asked, note=f"solo mesh, since {image} cannot be read ({why})")
    proxy = "without REST proxy" if problems else "with REST proxy"
    return Mesh(registry=asked, digests=digests, note=f"ModelMesh, from {image} ({digests['modelmesh']}), {proxy}")


def _answer(repository: Repository, end: float) -> Callable[[], Manifest]:
    """Begin to ask for an image; the result waits for the answer, but not beyond the time `end`."""
    answered: queue.SimpleQueue[Manifest | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answered.put(repository.image(VERSION))
        except Exception as error:  # noqa: BLE001  raised by the one that waits
            answered.put(error)

    # Resolving a name can take longer than any time limit, so nobody waits for the thread itself.
    threading.Thread(target=ask, daemon=True).start()

    def result() -> Manifest:
        try:
            answer = answered.get(timeout=max(0, end - time.monotonic()))
        except queue.Empty:
            raise EmbeddedError(f"no answer within {_SECONDS} s") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    return result


def _copy(which: Instance, source: Repository, name: str, digest: str) -> None:
    manifest = source.image(digest)
    for blob, size in manifest.blobs().items():
        if not registry.has_blob(which, name, blob):
            with source.blob(blob) as content:
                registry.put_blob(which, name, blob, content, size)
    registry.put_manifest(which, name, manifest)
