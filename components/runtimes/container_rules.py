"""Checks of a runtime's containers and volumes, to which the controller adds its own in the same pod."""

import posixpath
from collections.abc import Collection, Iterator

from ..core.mesh_pod import (
    CLAIMS_FOLDER,
    CONTAINERS,
    KEPT_PORTS,
    MODELS_FOLDER,
    MODELS_VOLUME,
    PORT_NAMES,
    VOLUMES,
    is_taken,
)
from ..core.names_and_quantities import (
    HIGHEST_PORT,
    choice_problems,
    duplicate_problems,
    label_problems,
    quantity,
    range_problems,
)
from ..core.problem import MISSING, FieldPath, Problem, Text
from ..core.reading import Spec, at, column, entries, text
from ..core.rendering import Unknown
from ..images.images import image_problems
from ..installation.serving_config import ServingConfig
from .endpoint_rules import mesh_ports, socket_folders

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_CONTAINERS, _VOLUMES = FieldPath("spec", "containers"), FieldPath("spec", "volumes")


def container_problems(
    spec: Spec, config: ServingConfig, claims: Collection[str], *, pinned: bool
) -> Iterator[Problem]:
    """Check containers and volumes, for values that the controller or the API server would refuse in the pods."""
    containers, volumes = entries(spec.get("containers")), entries(spec.get("volumes"))
    if spec.get("containers") == []:
        yield Problem(_CONTAINERS, [], "the model server's container")
    for path in (_CONTAINERS, _VOLUMES):
        yield from duplicate_problems(path, column(spec.get(str(path[-1])), "name"), "name")
    for index, volume in volumes:
        yield from _volume_problems(_VOLUMES / index, volume, claims)
    adapter = text(at(spec, "builtInAdapter", "serverType"))
    names = (*CONTAINERS, f"{adapter}-adapter") if adapter else CONTAINERS
    for index, container in containers:
        path = _CONTAINERS / index
        yield from _name_problems(path / "name", container.get("name"), names)
        yield from _image_problems(path, container, pinned=pinned)
        yield from _resource_problems(path / "resources", container)
        for field in ("readinessProbe", "lifecycle"):
            if field in container:
                yield Problem(path / field, Text("set"), "none: ModelMesh sets it itself; a livenessProbe is allowed")
        yield from duplicate_problems(path / "env", column(container.get("env"), "name"), "name")
        yield from _mount_problems(path / "volumeMounts", spec, container, claims)
        yield from _port_problems(path / "ports", container.get("ports"), mesh_ports(spec, config))


def _name_problems(path: FieldPath, name: object, reserved: tuple[str, ...]) -> Iterator[Problem]:
    if (known := text(name)) is None:
        return
    if is_taken(known, reserved):
        yield Problem(path, known, f"a name that ModelMesh does not use itself ({', '.join(reserved)}, mm-*)")
    else:
        yield from label_problems(path, known)


def _volume_problems(path: FieldPath, volume: Spec, claims: Collection[str]) -> Iterator[Problem]:
    yield from _name_problems(path / "name", volume.get("name"), VOLUMES)
    if (name := text(volume.get("name"))) in claims:
        yield Problem(path / "name", name, "another name: ModelMesh's volume for the claim in the storage has this one")
    if len(sources := sorted(volume.keys() - {"name"})) > 1:
        yield Problem(path, Text(" and ".join(sources)), "only one kind of volume")


def _image_problems(path: FieldPath, container: Spec, *, pinned: bool) -> Iterator[Problem]:
    if (image := text(container.get("image", MISSING))) is not None:
        yield from image_problems(path / "image", image, pinned=pinned or image is MISSING)
    if (policy := text(container.get("imagePullPolicy"))) is not None:
        yield from choice_problems(path / "imagePullPolicy", policy, _PULL_POLICIES)


def _resource_problems(path: FieldPath, container: Spec) -> Iterator[Problem]:
    requests = at(container, "resources", "requests")
    if not isinstance(requests, dict):
        return
    for name, request in requests.items():
        limit = at(container, "resources", "limits", name)
        requested, limited = quantity(request), quantity(limit)
        if requested is not None and limited is not None and requested > limited:
            yield Problem(path / "requests" / name, request, f"at most the limit, {limit!r}")
        elif "/" in name and requested is not None and not isinstance(limit, Unknown) and requested != limited:
            expected = "a limit equal to the request: extended resources cannot be overcommitted"
            yield Problem(path / "requests" / name, request, expected)


def _mount_problems(path: FieldPath, spec: Spec, container: Spec, claims: Collection[str]) -> Iterator[Problem]:
    names = [MODELS_VOLUME, *claims, *column(spec.get("volumes"), "name")]
    taken = dict.fromkeys((MODELS_FOLDER, *(f"{CLAIMS_FOLDER}/{claim}" for claim in claims)), "ModelMesh's own mount")
    taken |= dict.fromkeys(socket_folders(spec), "the mount of the unix endpoints")
    for index, mount in entries(container.get("volumeMounts")):
        if (name := text(mount.get("name"))) is not None:
            if name != MODELS_VOLUME and is_taken(name, VOLUMES):
                yield Problem(path / index / "name", name, "a volume that does not belong to ModelMesh")
            elif name not in names and not any(isinstance(known, Unknown) for known in names):
                yield Problem(path / index / "name", name, "a name in spec.volumes")
        if mount_path := text(mount.get("mountPath")):
            folder = posixpath.normpath(mount_path)
            if folder in taken:
                yield Problem(path / index / "mountPath", mount_path, f"another path than that of {taken[folder]}")
            taken.setdefault(folder, str(path / index))


def _port_problems(path: FieldPath, ports: object, taken: dict[int, str]) -> Iterator[Problem]:
    yield from duplicate_problems(path, column(ports, "name"), "name")
    for index, port in entries(ports):
        yield from _name_problems(path / index / "name", port.get("name"), PORT_NAMES)
        number = port.get("containerPort")
        if not isinstance(number, int):
            continue
        if number in taken or number in KEPT_PORTS:
            owner = taken.get(number, "ModelMesh's reserved range")
            yield Problem(path / index / "containerPort", number, f"another port: in the same pod this is {owner}")
        else:
            yield from range_problems(path / index / "containerPort", number, 1, HIGHEST_PORT)
