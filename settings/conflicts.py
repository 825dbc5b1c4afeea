"""What each key says well by itself and two of them cannot say together, and secrets that stand there in plain text."""

from collections.abc import Iterator, Mapping
from typing import Any

from .records import plain_secrets
from .schema import schema

_BUILD_ONLY = ("buildWith", "buildSecrets", "buildCache", "buildOnPreview", "platforms")
"""Keys that steer a build and nothing else; where a registry is, somebody's machine may say for all stacks."""


def conflicts(values: Mapping[str, Any], encrypted: frozenset[str]) -> Iterator[str]:
    """Each as "key: what is wrong, what is expected". `encrypted` are the keys with a secret in them."""
    # The engine hands over what the stack sets and all defaults alike.
    given = {key for key, entry in schema().items() if values[key] != entry.get("default")}
    yield from plain_secrets(values, encrypted)
    for image, source, what in (
        ("runtimeImage", "runtimeSource", "model server"),
        ("modelImage", "modelSource", "model"),
    ):
        if values[image] and source in given:
            yield f"{source}: given, but {image} names a {what} that is built already; expected one of the two"
        elif not values[image] and not values["registry"]:
            yield f"registry: missing, expected where to push the {what} that is built here, or {image} by digest"
    if bool(values["modelImage"]) != bool(values["modelDigest"]):
        yield "modelDigest: expected together with modelImage, as `make promote` writes them"
    if values["runtimeImage"] and values["modelImage"]:
        for key in _BUILD_ONLY:
            if key in given:
                yield f"{key}: given, but nothing is built here: runtimeImage and modelImage are"
    if bool(values["registryUser"]) != bool(values["registryPassword"]):
        yield "registryPassword: expected together with registryUser, or neither for the machine's own credentials"
    for store, outside in (("minio", "s3"), ("etcd", "etcd")):
        if values[outside] and store in values["persistence"]:
            yield f"persistence.{store}: given, but {outside} names a store of yours; expected one of the two"
    if not values["tls"].get("enabled"):
        yield from (f"tls.{name}: given, but tls.enabled is not true" for name in values["tls"] if name != "enabled")
