"""What ModelMesh's controller puts into every runtime pod itself, and which a runtime must leave alone."""

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
"""By these the controller's Deployment, Service and network policies find the pods."""

ADAPTER_PORT = 8085
PULLER_PORT = 8086
MESH_PORTS = {8080: "the mesh's own traffic", 8089: "the mesh's probes", 8090: "the mesh's preStop hook"}
"""Those that no configuration moves, and what for."""
KEPT_PORTS = frozenset({ADAPTER_PORT, *range(11881, 11900)})
"""Refused by the controller whether or not anything listens there."""


def is_taken(name: object, names: tuple[str, ...]) -> bool:
    """Whether a container, volume or port of that name is ModelMesh's own; it also keeps all that start with mm-."""
    known = text(name)
    return known is not None and (known in names or known.startswith("mm-"))
