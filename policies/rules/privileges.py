"""Rule without exceptions: no pod of a stack has privileges on its node."""

from collections.abc import Iterator, Mapping

from .policy import Policy, Settings
from .reading import Spec, at, entries
from .resource import Resource

_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")


def _asked_for(resource: Resource, _: Settings) -> Iterator[str]:
    if not (found := resource.pod):
        return
    for field in _HOST_NAMESPACES:
        if found.spec.get(field) is True:
            yield f"{found.path}.{field}: true, expected none"
    yield from _root(found.path, found.spec)
    for index, volume in entries(found.spec.get("volumes")):
        if isinstance(volume.get("hostPath"), Mapping):
            yield f"{found.path}.volumes[{index}].hostPath: given, expected another kind of volume"
    for path, container in found.containers():
        yield from _of_container(path, container)


def _of_container(path: str, container: Spec) -> Iterator[str]:
    for field in ("privileged", "allowPrivilegeEscalation"):
        if at(container, "securityContext", field) is True:
            yield f"{path}.securityContext.{field}: true, expected false"
    added = at(container, "securityContext", "capabilities", "add")
    if known := [name for name in (added if isinstance(added, list) else ()) if isinstance(name, str)]:
        yield f"{path}.securityContext.capabilities.add: {', '.join(known)}, expected none"
    yield from _root(path, container)
    for index, port in entries(container.get("ports")):
        if isinstance(number := port.get("hostPort"), int | float) and number:
            yield f"{path}.ports[{index}].hostPort: {number:g}, expected none"


def _root(path: str, spec: Spec) -> Iterator[str]:
    if at(spec, "securityContext", "runAsUser") == 0:
        yield f"{path}.securityContext.runAsUser: 0, expected another user than root"


NO_PRIVILEGES = Policy(
    name="no-privileges",
    description="No pod requests root, capabilities or access to its node.",
    rule=_asked_for,
)
