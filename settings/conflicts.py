"""Checks of keys that contradict each other, or need each other."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from components.checks import HIDDEN, MISSING, ROOT, Problem

from .schema import schema
from .stand_in import NAME

_MESHES = ("auto", "real", "solo")
_BUILD_ONLY = ("buildWith", "buildSecrets", "buildCache", "buildOnPreview", "platforms")
"""Keys that are only for builds, other than those of the registry, which a machine may set for all stacks."""


def conflicts(values: Mapping[str, Any], wrong: Collection[str | int] = ()) -> Iterator[Problem]:
    """Checks values that are valid alone. The keys in `wrong` are not, and have their defaults in `values`."""
    # The engine passes set values and defaults alike.
    given = {key for key, entry in schema().items() if values[key] != entry.get("default")}
    yield from _kubeconfig(values["kubeconfig"])
    yield from _image_conflicts(values, given)
    yield from _store_conflicts(values, wrong)
    if values["mesh"] not in _MESHES:
        yield Problem(ROOT / "mesh", values["mesh"], f"one of {', '.join(_MESHES)}")
    elif values["mesh"] == "real" and NAME in values["images"].get("modelmesh", ""):
        yield Problem(
            ROOT / "mesh", "real", "auto or solo, since the node has only solo mesh; `make up` looks for more"
        )
    if values["runtimeName"] in values["builtInRuntimes"]:
        yield Problem(ROOT / "runtimeName", values["runtimeName"], "another name than those in builtInRuntimes")
    if not values["tls"].get("enabled"):
        for name in values["tls"].keys() - {"enabled"}:
            yield Problem(ROOT / "tls" / name, values["tls"][name], "none unless tls.enabled is true")


def _kubeconfig(text: str) -> Iterator[Problem]:
    """Checks for a path: other Pulumi programs take the content of a kubeconfig, which has secrets in it."""
    try:
        Path(text).expanduser().is_file()
        path = "\n" not in text and not text.startswith("{")
    except (OSError, RuntimeError):  # the name is too long, or of an unknown user
        path = False
    if not path:
        yield Problem(ROOT / "kubeconfig", HIDDEN, "the path of a file, not its content")


def _image_conflicts(values: Mapping[str, Any], given: set[str]) -> Iterator[Problem]:
    built = []
    for image, source, what in (
        ("runtimeImage", "runtimeSource", "model server"),
        ("modelImage", "modelSource", "model"),
    ):
        if not values[image]:
            built.append((image, what))
        elif source in given:
            yield Problem(ROOT / source, values[source], f"none: {image} names a {what} that is already built")
    if built and not values["registry"]:
        images, things = " and ".join(image for image, _ in built), " and the ".join(what for _, what in built)
        expected = f"where to push the {things}, which are built here unless {images} are set"
        yield Problem(ROOT / "registry", MISSING, expected)
    if bool(values["modelImage"]) != bool(values["modelDigest"]):
        expected = "both modelImage and modelDigest, as `make promote` writes them, or neither"
        yield Problem(ROOT / "modelDigest", values["modelDigest"], expected)
    if not built:
        for key in _BUILD_ONLY:
            if key in given:
                expected = "none: runtimeImage and modelImage are set, so nothing is built"
                yield Problem(ROOT / key, HIDDEN if key == "buildSecrets" else values[key], expected)
    if bool(values["registryUser"]) != bool(values["registryPassword"]):
        expected = "both registryUser and registryPassword, or neither for the machine's credentials"
        yield Problem(ROOT / "registryPassword", HIDDEN, expected)


def _store_conflicts(values: Mapping[str, Any], wrong: Collection[str | int]) -> Iterator[Problem]:
    sizes = values["persistence"]
    for store, outside in (("minio", "s3"), ("etcd", "etcd")):
        if values[outside] and store in sizes:
            expected = f"none: {outside} names an existing store, so the stack runs none"
            yield Problem(ROOT / "persistence" / store, sizes[store], expected)
    if sizes.keys() == {"storageClass"}:
        expected = "a size for etcd or minio beside it, or none"
        yield Problem(ROOT / "persistence" / "storageClass", sizes["storageClass"], expected)
    if not values["s3"] and "minio" not in values["images"] and not {"s3", "images"} & {*wrong}:
        expected = "an image of MinIO, which no longer publishes any; use a mirror or your build, or set s3"
        yield Problem(ROOT / "images" / "minio", MISSING, expected)
