"""What each key says well by itself and two of them cannot say together, and secrets that stand there in plain text."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .records import plain_secrets, shown_secrets
from .schema import schema

_BUILD_ONLY = ("buildWith", "buildSecrets", "buildCache", "buildOnPreview", "platforms")
"""Keys that steer a build and nothing else; where a registry is, somebody's machine may say for all stacks."""


def conflicts(values: Mapping[str, Any], encrypted: frozenset[str]) -> Iterator[str]:
    """Each as "key: what is wrong, what is expected". `encrypted` are the keys with a secret in them."""
    # The engine hands over what the stack sets and all defaults alike.
    given = {key for key, entry in schema().items() if values[key] != entry.get("default")}
    yield from plain_secrets(values, encrypted)
    yield from shown_secrets(encrypted & schema().keys())
    yield from _image_conflicts(values, given)
    yield from _store_conflicts(values)
    if values["runtimeName"] in values["builtInRuntimes"]:
        yield f"runtimeName: {values['runtimeName']!r} is among builtInRuntimes, expected another name"
    if not values["tls"].get("enabled"):
        yield from (f"tls.{name}: given, but tls.enabled is not true" for name in values["tls"] if name != "enabled")


def _image_conflicts(values: Mapping[str, Any], given: set[str]) -> Iterator[str]:
    built = []
    for image, source, what in (
        ("runtimeImage", "runtimeSource", "model server"),
        ("modelImage", "modelSource", "model"),
    ):
        if not values[image]:
            built.append((image, what))
            if source in given and not Path(values[source]).is_dir():
                yield f"{source}: {values[source]!r}, expected the folder of the {what}"
        elif source in given:
            yield f"{source}: given, but {image} names a {what} that is built already; expected one of the two"
    if built and not values["registry"]:
        images, things = " and ".join(image for image, _ in built), " and the ".join(what for _, what in built)
        yield f"registry: missing, expected where to push the {things} built here, or {images} by digest"
    if bool(values["modelImage"]) != bool(values["modelDigest"]):
        yield "modelDigest: expected together with modelImage, as `make promote` writes them"
    if not built:
        for key in _BUILD_ONLY:
            if key in given:
                yield f"{key}: given, but nothing is built here: runtimeImage and modelImage are"
    if bool(values["registryUser"]) != bool(values["registryPassword"]):
        yield "registryPassword: expected together with registryUser, or neither for the machine's own credentials"


def _store_conflicts(values: Mapping[str, Any]) -> Iterator[str]:
    for store, outside in (("minio", "s3"), ("etcd", "etcd")):
        if values[outside] and store in values["persistence"]:
            yield f"persistence.{store}: given, but {outside} names a store of yours; expected one of the two"
    if values["persistence"].keys() == {"storageClass"}:
        yield "persistence.storageClass: given, but no volume has it; expected a size for etcd or minio, too"
