"""ModelMesh Serving's own configuration, typed: what this stack says in the config map `model-serving-config`.

Everything that stands here overrides upstream's defaults; everything that does not is left to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from .images import STAND_IN, Images


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Requests and limits of a container, as Kubernetes quantities by `cpu` and `memory`; all four have to be there."""

    requests: Mapping[str, str]
    limits: Mapping[str, str]

    def as_config(self) -> dict[str, dict[str, str]]:
        """The form in the config map."""
        return {"requests": dict(self.requests), "limits": dict(self.limits)}


@dataclass(frozen=True, kw_only=True)
class ServingConfig:
    """How the controller makes runtime pods."""

    images: Images
    pods_per_runtime: int
    rest_proxy: bool
    scale_to_zero: bool
    """Take a runtime's pods away while no model asks for it."""
    mesh_resources: Resources
    adapter_resources: Resources
    service_name: str = "modelmesh-serving"
    """ModelMesh's Service in each namespace, and part of its pods' names."""

    def render(self, storage_secret: str) -> str:
        """The text of `config.yaml`; the same settings always give the same text."""
        config: dict[str, Any] = {
            "inferenceServiceName": self.service_name,
            "podsPerRuntime": self.pods_per_runtime,
            "storageSecretName": storage_secret,
            "scaleToZero": {"enabled": self.scale_to_zero},
            "restProxy": {"enabled": self.rest_proxy, "image": self.images.rest_proxy.as_config()},
            "modelMeshImage": self.images.modelmesh.as_config(),
            "modelMeshResources": self.mesh_resources.as_config(),
            "storageHelperImage": {**self.images.adapter.as_config(), "command": ["/opt/app/puller"]},
            "storageHelperResources": self.adapter_resources.as_config(),
        }
        if STAND_IN in self.images.modelmesh.name:
            config["runtimePodLabels"] = {"modelmesh-server": STAND_IN}  # whoever looks at a pod is to know
        return yaml.safe_dump(config, sort_keys=True)
