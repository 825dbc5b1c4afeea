"""What each container has to renounce aloud, since Kubernetes grants it to whoever says nothing.

Of the pods that ModelMesh's controller makes, a stack can say this for the runtime's own containers only. The mesh, the
adapter, the puller and the REST proxy beside them are the controller's to shape, and no resource of a stack.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from .pods import Pod, pod
from .policy import Policy, Setting, Settings
from .reading import UNKNOWN, Spec, at
from .resource import Resource

UPSTREAM: Mapping[str, str] = MappingProxyType(
    {
        "triton-2.x": "its image starts as root",
        "mlserver-1.x": "MLServer writes its metrics to its working directory",
        "torchserve-0.x": "TorchServe writes its logs to its working directory",
        "ovms-1.x": "nobody has tried the model server without them",
    }
)
"""Upstream's own runtimes, and why each keeps what it has: their manifests renounce nothing, and only their images are
changed here. A runtime of one's own, with the same image, is the place to renounce."""

_OWN = {"modelmesh:index:ServingRuntime", "modelmesh:index:ClusterServingRuntime"}
"""The components of runtimes of one's own, whatever they are called."""


def _renounced(resource: Resource, settings: Settings) -> Iterator[str]:
    upstreams = resource.kind in ("ServingRuntime", "ClusterServingRuntime") and not _OWN & set(resource.components)
    excused = resource.name in settings["exempt"] or (resource.name in UPSTREAM and upstreams)
    if (found := pod(resource)) and not excused:
        for path, container in found.containers():
            yield from _of_container(f"{path}.securityContext", found, container)


def _of_container(path: str, around: Pod, container: Spec) -> Iterator[str]:
    expected = {
        "runAsNonRoot": (True, _effective(around, container, "runAsNonRoot")),
        "allowPrivilegeEscalation": (False, at(container, "securityContext", "allowPrivilegeEscalation")),
        "readOnlyRootFilesystem": (True, at(container, "securityContext", "readOnlyRootFilesystem")),
    }
    for field, (wanted, value) in expected.items():
        if value is not UNKNOWN and value is not wanted:
            yield f"{path}.{field}: {_shown(value)}, expected {_shown(wanted)}"
    dropped = at(container, "securityContext", "capabilities", "drop")
    if dropped is not UNKNOWN and not (isinstance(dropped, list) and ("ALL" in dropped or UNKNOWN in dropped)):
        yield f"{path}.capabilities.drop: {_shown(dropped)}, expected ALL"


def _effective(around: Pod, container: Spec, field: str) -> object:
    """The container's own, or else its pod's."""
    own = at(container, "securityContext", field)
    return at(around.spec, "securityContext", field) if own is None else own


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return "missing" if value is None else str(value).lower()


RESTRICTED_CONTAINERS = Policy(
    name="restricted-containers",
    description="Every container renounces root, more privileges, capabilities and a writable root file system.",
    rule=_renounced,
    settings={
        "exempt": Setting(description="Names of objects whose containers cannot, beside upstream's own runtimes"),
    },
)
