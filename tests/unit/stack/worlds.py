"""What a part of a stack finds around it: images, a configuration, an installation, a namespace; nothing is made."""

from collections.abc import Mapping
from typing import Any, cast

import pulumi

from components.core.cluster import Cluster
from components.images.images import Images
from components.installation.installation import Installation
from components.installation.model_namespace import ModelNamespace
from components.installation.serving_config import ServingConfig
from components.stores.storage import ExistingStorage, Storage

CLUSTER = Cluster(kubeconfig="/nowhere", context="none")


def images(**named: str) -> Images:
    return Images.of({"minio": "minio:1", **named})


def config(**changes: Any) -> ServingConfig:
    return ServingConfig(**({"images": images()} | changes))


def installation(**changes: Any) -> Installation:
    """Only inside a program, as all that follows: it has Outputs."""
    values: dict[str, Any] = {
        "cluster": CLUSTER,
        "namespace_name": "modelmesh-serving",
        "model_namespaces": ("models", "more-models"),
        "config": config(),
        "namespace": pulumi.Output.from_input("modelmesh-serving"),
        "admitting": pulumi.Output.from_input("modelmesh-serving"),
    }
    return Installation(**(values | changes))


class _Place:
    """What runtimes and services want of a ModelNamespace."""

    def __init__(self, name: str, made: Installation, storage: Mapping[str, Storage] | ExistingStorage) -> None:
        self.namespace_name, self.installation, self.storage = name, made, storage
        self.namespace = self.ready = pulumi.Output.from_input(name)
        self.constraints_account = pulumi.Output.from_input("constraints")


def place(
    name: str = "models", *, storage: Mapping[str, Storage] | ExistingStorage | None = None, **changes: Any
) -> ModelNamespace:
    """A model namespace of an installation with these changes."""
    return cast("ModelNamespace", _Place(name, installation(**changes), storage or {}))
