"""Names and ports that ModelMesh's controller adds to every runtime pod, and that a runtime must not use."""

from .reading import text

CONTAINERS = ("mm", "rest-proxy", "puller")
MODELS_VOLUME = "models-dir"
VOLUMES = ("storage-config", "etcd-config", "tc-config", "domain-socket", MODELS_VOLUME, "tls-certs")
MODELS_FOLDER = "/models"
CLAIMS_FOLDER = "/pvc_mounts"
PORT_NAMES = ("grpc", "http", "prometheus")
LABELS = (
    "modelmesh-service",
    "name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
)
"""Labels by which the controller's Deployment, Service and network policies select the pods."""

ADAPTER_PORT = 8085
PULLER_PORT = 8086
MESH_PORTS = {8080: "the mesh's own traffic", 8089: "the mesh's probes", 8090: "the mesh's preStop hook"}
"""Ports that are not configurable, with their purpose."""
KEPT_PORTS = frozenset({ADAPTER_PORT, *range(11881, 11900)})
"""Ports that the controller rejects in a runtime, even if nothing listens on them."""


def is_taken(name: object, names: tuple[str, ...]) -> bool:
    """Whether ModelMesh uses the name of a container, volume or port; all names that start with mm- are reserved."""
    known = text(name) or ""
    return known in names or known.startswith("mm-")
