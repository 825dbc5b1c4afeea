"""ModelMesh Serving's configuration: YAML in a ConfigMap, from which its controller creates the runtimes' pods."""

from collections.abc import Mapping
from typing import Any

import yaml

from .reading import Spec, at
from .resource import Resource

PATH = "data[config.yaml]"


def serving_config(resource: Resource) -> Spec | None:
    """The configuration, if the resource is its ConfigMap and the content is known."""
    if (resource.kind, resource.name) != ("ConfigMap", "model-serving-config"):
        return None
    written = at(resource.properties, "data", "config.yaml")
    try:
        config: Any = yaml.safe_load(written) if isinstance(written, str) else None
    except yaml.YAMLError:
        return None  # invalid YAML is reported by the controller
    return config if isinstance(config, Mapping) else None
