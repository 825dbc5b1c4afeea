"""Images that are built locally, from the toolchain's programs, and pushed to the node's registry.

The tag of each image is a digest of all its inputs, so the registry itself records what is built: a second start,
another instance or another checkout finds it there. Callers get a reference by digest.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from embedded import builder, commands, registry
from embedded.base_image import CA_BUNDLE
from embedded.instance import Instance
from project.progress import step

_HERE = Path(__file__).parent
_SOLO_MESH = _HERE.parent / "solo_mesh"
_IGNORED = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
_AT_ONCE = 2
# Layers stay uncompressed: they never leave the machine, and compressing takes CPU time.
_OUTPUT = "type=image,push=true,oci-mediatypes=true,rewrite-timestamp=true,compression=uncompressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Recipe of one image."""

    name: str
    """Repository in the registry."""
    files: Mapping[str, Path]
    """Content of the build context: path in it → file or folder on the machine."""
    named: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    """Content of each additional build context, by its name."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Values of the Dockerfile's `ARG` instructions."""

    def key(self) -> str:
        """Digest of names, executable bits and contents of all inputs; independent of their location."""
        digest = hashlib.sha256()
        for context, sources in sorted({"": self.files, **self.named}.items()):
            for relative, path in sorted(_walk(sources)):
                with path.open("rb") as file:
                    content = hashlib.file_digest(file, "sha256").hexdigest()
                digest.update(f"{context}\0{relative}\0{os.access(path, os.X_OK)}\0{content}\n".encode())
        for name, value in sorted(self.arguments.items()):
            # The digest of a reference suffices; the registry's address may differ between instances.
            digest.update(f"{name}={value.rpartition('@')[2]}\n".encode())
        return digest.hexdigest()[:24]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """References by digest: the base image, and the images of ModelMesh Serving by configuration key."""

    base: str
    parts: Mapping[str, str]


class Builder:
    """Builds recipes with the instance's BuildKit and pushes them to its registry."""

    def __init__(self, instance: Instance, buildctl: Path) -> None:
        self._instance = instance
        self._buildctl = buildctl

    def reference(self, image: Image) -> str:
        """Reference by digest of `image`, which is built if the registry lacks it."""
        instance, key = self._instance, image.key()
        digest = registry.digest(instance, image.name, key)
        if digest is None:
            with step(f"image {image.name}"), tempfile.TemporaryDirectory(dir=instance.data) as staging:
                folders = {name: Path(staging, name or "context") for name in ("", *image.named)}
                for name, sources in {"": image.files, **image.named}.items():
                    _stage(sources, folders[name])
                target, log = f"{instance.registry}/{image.name}:{key}", instance.logs / f"image-{image.name}.log"
                arguments = {"SOURCE_DATE_EPOCH": "0", **image.arguments}
                context, output = folders.pop(""), f"{_OUTPUT},name={target}"
                command = builder.build_command(instance, self._buildctl, context, output, arguments, **folders)
                log.unlink(missing_ok=True)
                commands.logged(command, log, f"building {target} failed")
            digest = registry.digest(instance, image.name, key)
        return f"{instance.registry}/{image.name}@{digest}"

    def all(self, bin_folder: Path, modelmesh_serving: Path, root_file_system: Path) -> Images:
        """Build all images, a few at a time, and return their references."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            base = pool.submit(self.reference, _recipe("debian-python", **{"rootfs.tar": root_file_system}))
            parts = {
                name: pool.submit(self.reference, recipe)
                for name, recipe in standalone(bin_folder, modelmesh_serving).items()
            }
            on_base = on_base_image(base.result(), bin_folder, modelmesh_serving)
            parts |= {name: pool.submit(self.reference, recipe) for name, recipe in on_base.items()}
            return Images(base=base.result(), parts={name: part.result() for name, part in parts.items()})


def pause(bin_folder: Path) -> Image:
    """Recipe of the pause image, the first process of every pod."""
    return _recipe("pause", pause=bin_folder / "pause")


def standalone(bin_folder: Path, modelmesh_serving: Path) -> dict[str, Image]:
    """Recipes of images that only contain static programs, by configuration key."""
    authorities = {"ca-certificates.crt": CA_BUNDLE}
    controller = {"manager": bin_folder / "modelmesh-serving", "internal": modelmesh_serving / "config/internal"}
    adapter = {
        "mlserver-adapter": bin_folder / "model-mesh-mlserver-adapter",
        "puller": bin_folder / "model-serving-puller",
    }
    return {
        "modelmesh-controller": _recipe("modelmesh-controller", **authorities, **controller),
        "modelmesh-runtime-adapter": _recipe("modelmesh-runtime-adapter", **authorities, **adapter),
        "minio": _recipe("minio", **authorities, minio=bin_folder / "minio"),
    }


def on_base_image(base: str, bin_folder: Path, modelmesh_serving: Path) -> dict[str, Image]:
    """Recipes of images on top of the base image, by configuration key."""
    protos = ("proto/mmesh/model-mesh-external.proto", "docs/model-runtime.proto")
    recipes = {
        "etcd": _recipe("etcd", **{name: Path("/usr/bin") / name for name in ("etcd", "etcdctl")}),
        "kubectl": _recipe("kubectl", kubectl=_HERE / "kubectl/kubectl", kubernetes=bin_folder / "kubernetes"),
        # Stands in for the one image that can't be built from package registries.
        "modelmesh": Image(
            name="solo-mesh",
            files={".": _SOLO_MESH},
            named={"proto": {name: modelmesh_serving / name for name in protos}},
        ),
    }
    return {name: replace(recipe, arguments={"BASE_IMAGE": base}) for name, recipe in recipes.items()}


def _recipe(name: str, **files: Path) -> Image:
    """Recipe of the Dockerfile in the folder `name`, with further files of its build context."""
    return Image(name=name, files={"Dockerfile": _HERE / name / "Dockerfile", **files})


def _walk(sources: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Path in the build context and file on the machine, for every file below `sources`."""
    for target, source in sources.items():
        if not source.is_dir():
            yield target, source
            continue
        for folder, folders, names in os.walk(source):
            folders[:] = [name for name in folders if name not in _IGNORED]
            for name in names:
                path = Path(folder, name)
                yield str(Path(target, path.relative_to(source))), path


def _stage(sources: Mapping[str, Path], folder: Path) -> None:
    for relative, path in _walk(sources):
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path.resolve(), target)
        except OSError:  # on another file system
            shutil.copy(path, target)
