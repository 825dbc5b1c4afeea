"""ModelMesh Serving's configuration: YAML in a config map, by which its controller makes the pods of runtimes."""

from collections.abc import Mapping
from typing import Any

import yaml

from .reading import Spec, at
from .resource import Resource

PATH = "data[config.yaml]"


def serving_config(resource: Resource) -> Spec | None:
    """The configuration, if the resource is its config map and as far as it is known."""
    if (resource.kind, resource.name) != ("ConfigMap", "model-serving-config"):
        return None
    written = at(resource.properties, "data", "config.yaml")
    try:
        config: Any = yaml.safe_load(written) if isinstance(written, str) else None
    except yaml.YAMLError:
        return None  # the controller says so, and nothing here can be said
    return config if isinstance(config, Mapping) else None
