"""Rule: containers opt out of privileges that Kubernetes grants by default.

In pods of ModelMesh's controller this applies to the runtime's containers only. The controller defines the mesh,
the adapter, the puller and the REST proxy, which are not resources of a stack.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from .policy import Policy, Setting, Settings
from .reading import UNKNOWN, Spec, at
from .resource import Pod, Resource

UPSTREAM: Mapping[str, str] = MappingProxyType(
    {
        "triton-2.x": "its image starts as root",
        "mlserver-1.x": "MLServer writes its metrics to its working directory",
        "torchserve-0.x": "TorchServe writes its logs to its working directory",
        "ovms-1.x": "the model server has not been tested with restrictions",
    }
)
"""Exempt runtimes of upstream, with the reason; only their images are changed here.

To restrict one of them, declare a custom runtime with the same image.
"""

_OWN = {"modelmesh:index:ServingRuntime", "modelmesh:index:ClusterServingRuntime"}
"""Components of custom runtimes."""


def _restricted(resource: Resource, settings: Settings) -> Iterator[str]:
    if not (found := resource.pod):
        return
    upstreams = resource.kind in ("ServingRuntime", "ClusterServingRuntime") and not _OWN & set(resource.components)
    excused = resource.name in settings["exempt"] or (resource.name in UPSTREAM and upstreams)
    if not excused:
        for path, container in found.containers():
            yield from _of_container(f"{path}.securityContext", found, container)


def _of_container(path: str, around: Pod, container: Spec) -> Iterator[str]:
    expected = {
        "runAsNonRoot": (True, _effective(around, container, "runAsNonRoot")),
        "allowPrivilegeEscalation": (False, at(container, "securityContext", "allowPrivilegeEscalation")),
        "readOnlyRootFilesystem": (True, at(container, "securityContext", "readOnlyRootFilesystem")),
    }
    for field, (required, value) in expected.items():
        if value is not UNKNOWN and value is not required:
            yield f"{path}.{field}: {_shown(value)}, expected {_shown(required)}"
    dropped = at(container, "securityContext", "capabilities", "drop")
    if dropped is not UNKNOWN and not (isinstance(dropped, list) and ("ALL" in dropped or UNKNOWN in dropped)):
        yield f"{path}.capabilities.drop: {_shown(dropped)}, expected ALL"


def _effective(around: Pod, container: Spec, field: str) -> object:
    """Value of the container, or else of its pod."""
    own = at(container, "securityContext", field)
    return at(around.spec, "securityContext", field) if own is None else own


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return "missing" if value is None else str(value).lower()


RESTRICTED_CONTAINERS = Policy(
    name="restricted-containers",
    description="Every container runs without root, privilege escalation, capabilities and writable root file system.",
    rule=_restricted,
    settings={
        "exempt": Setting(description="Names of exempt objects, in addition to upstream's runtimes"),
    },
)
