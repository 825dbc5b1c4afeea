"""Sizes of images, built by an embedded node's BuildKit into archives that are deleted afterwards."""

import gzip
import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from embedded import builder, commands, handover, lifecycle
from embedded.instance import NAMES, Instance, instance


@dataclass(frozen=True, kw_only=True)
class ImageSize:
    """Bytes of all layers: `compressed` as in a registry, `unpacked` as in a pod."""

    compressed: int
    unpacked: int


def running_builder() -> Instance | None:
    """The embedded node whose builder is running, or None."""
    return next((found for found in map(instance, NAMES) if lifecycle.records(found).running(builder.NAME)), None)


def context_of(runtime: Path, scratch: Path) -> Path:
    """Build context of a runtime's image: its own folder, or that of all runtimes with it in the folder `runtime`."""
    if (runtime / "Dockerfile").is_file():
        return runtime
    base, context = runtime.parents[1] / "runtime_src", scratch / f"{runtime.name}-context"
    kept_out = shutil.ignore_patterns(".*", "__pycache__", "tests", "model")
    shutil.copytree(base, context, ignore=kept_out)
    shutil.copytree(runtime, context / "runtime", ignore=kept_out)
    return context


def image_size(node: Instance, runtime: Path, scratch: Path) -> ImageSize:
    """Build a runtime's image on the node's base image and return its size."""
    context = context_of(runtime, scratch)
    archive, log = scratch / f"{runtime.name}.tar", scratch / f"{runtime.name}-build.log"
    # The node's layers are not compressed, but those in a registry usually are.
    packed = f"type=oci,dest={archive},compression=gzip,force-compression=true"
    commands.logged(build_command(node, context, packed), log, f"{context} does not build")
    try:
        return weigh(archive)
    finally:
        archive.unlink()


def build_command(node: Instance, context: Path, output: str, **arguments: str) -> list[str]:
    """Command that builds the Dockerfile of `context` on the node's base image, with additional build arguments."""
    facts = handover.read(node)
    arguments = {"BASE_IMAGE": facts.base_image} | arguments
    return builder.build_command(node, Path(facts.programs, "buildctl"), context, output, arguments)


def weigh(archive: Path) -> ImageSize:
    """Sizes of the only image in an OCI archive."""
    with tarfile.open(archive) as tar:

        def blob(digest: str) -> bytes:
            entry = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
            assert entry
            return entry.read()

        index = tar.extractfile("index.json")
        assert index
        manifest = json.loads(blob(json.load(index)["manifests"][0]["digest"]))
        layers = manifest["layers"]
        unpacked = sum(len(gzip.decompress(blob(layer["digest"]))) for layer in layers)
        return ImageSize(compressed=sum(layer["size"] for layer in layers), unpacked=unpacked)
