"""Images that a BuildKit client builds on the node, and what is in them, as the registry hands it out."""

import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import Any

from benchmarks.image_size import build_command
from embedded.instance import REGISTRY_PORT, Instance
from tests.image_registry import IMAGE, Registry


@dataclass(frozen=True)
class BuiltImage:
    """An image in the node's registry."""

    node: Instance
    repository: str
    digest: str

    @property
    def ref(self) -> str:
        """What a pod runs."""
        return f"{self.node.registry}/{self.repository}@{self.digest}"

    @cached_property
    def layers(self) -> dict[str, int]:
        """Bytes of each layer by its digest, in order."""
        return {layer["digest"]: layer["size"] for layer in self._manifest["layers"]}

    @cached_property
    def config(self) -> dict[str, Any]:
        """What it says about running it, and about how it was made."""
        parsed: dict[str, Any] = json.loads(self._blob(self._manifest["config"]["digest"]))
        return parsed

    @cached_property
    def entries(self) -> list[tuple[tarfile.TarInfo, bytes]]:
        """Everything in all layers, and how a file begins."""
        found = []
        for digest in self.layers:
            with tarfile.open(fileobj=BytesIO(self._blob(digest))) as tar:
                for entry in tar:
                    file = tar.extractfile(entry) if entry.isfile() else None
                    found.append((entry, file.read(4096) if file else b""))
        return found

    def republish(self, where: Registry, repository: str, tag: str) -> None:
        """Have another registry serve the image."""
        content = self._get(f"manifests/{self.digest}")
        assert where.add(repository, content, IMAGE, tag) == self.digest
        for blob in (self._manifest["config"], *self._manifest["layers"]):
            where.blobs[blob["digest"]] = self._blob(blob["digest"])

    @cached_property
    def _manifest(self) -> Any:
        return json.loads(self._get(f"manifests/{self.digest}"))

    def _blob(self, digest: str) -> bytes:
        return self._get(f"blobs/{digest}")

    def _get(self, path: str) -> bytes:
        connection = HTTPConnection(str(self.node.node_address), REGISTRY_PORT, timeout=60)
        try:
            accepted = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
            connection.request("GET", f"/v2/{self.repository}/{path}", headers=accepted)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            return body
        finally:
            connection.close()


def build(node: Instance, context: Path, repository: str, *, fresh: bool = False) -> BuiltImage:
    """Build a folder with the stack's arguments and push it; a fresh build uses no cached layer."""
    output = f"type=image,name={node.registry}/{repository}:built,push=true,oci-mediatypes=true"
    with tempfile.TemporaryDirectory() as folder:
        metadata = Path(folder, "metadata.json")
        command = build_command(node, context, output, SOURCE_DATE_EPOCH="0")
        command += ["--metadata-file", str(metadata), *(["--no-cache"] if fresh else [])]
        built = subprocess.run(command, capture_output=True, text=True)
        assert built.returncode == 0, built.stderr
        return BuiltImage(node, repository, json.loads(metadata.read_text())["containerimage.digest"])
