"""The rules for a runtime's containers and volumes, beside which the controller sets its own in the same pod."""

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
from ..core.reading import Spec, at, column, entries, text
from ..core.rendering import Unknown
from ..images.images import parse_ref
from ..installation.serving_config import ServingConfig
from .endpoint_rules import mesh_ports, socket_folder

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def container_problems(spec: Spec, config: ServingConfig, claims: Collection[str]) -> Iterator[str]:
    """Complains of containers and volumes that the controller or the API server refuses, long after the runtime."""
    containers, volumes = entries(spec.get("containers")), entries(spec.get("volumes"))
    if spec.get("containers") == []:
        yield "spec.containers: empty, expected that of the model server"
    for field in ("containers", "volumes"):
        yield from duplicate_problems(f"spec.{field}", column(spec.get(field), "name"), "name")
    for index, volume in volumes:
        yield from _volume_problems(f"spec.volumes[{index}]", volume, claims)
    adapter = text(at(spec, "builtInAdapter", "serverType"))
    names = (*CONTAINERS, f"{adapter}-adapter") if adapter else CONTAINERS
    for index, container in containers:
        path = f"spec.containers[{index}]"
        yield from _name_problems(f"{path}.name", container.get("name"), names)
        yield from _image_problems(path, container)
        yield from _resource_problems(f"{path}.resources", container)
        for field in ("readinessProbe", "lifecycle"):
            if field in container:
                yield f"{path}.{field}: not allowed, ModelMesh sets it; a livenessProbe is"
        yield from duplicate_problems(f"{path}.env", column(container.get("env"), "name"), "name")
        yield from _mount_problems(f"{path}.volumeMounts", spec, container, claims)
        yield from _port_problems(f"{path}.ports", container.get("ports"), mesh_ports(spec, config))


def _name_problems(path: str, name: object, reserved: tuple[str, ...]) -> Iterator[str]:
    if (known := text(name)) is None:
        return
    if is_taken(known, reserved):
        yield f"{path}: {known!r} is reserved, as are {', '.join(reserved)} and mm-*"
    else:
        yield from label_problems(path, known)


def _volume_problems(path: str, volume: Spec, claims: Collection[str]) -> Iterator[str]:
    yield from _name_problems(f"{path}.name", volume.get("name"), VOLUMES)
    if (name := text(volume.get("name"))) in claims:
        yield f"{path}.name: {name!r}, expected another: ModelMesh's volume for that claim of the storage has this name"
    if len(sources := sorted(volume.keys() - {"name"})) > 1:
        yield f"{path}: {', '.join(sources)}, expected one of them"


def _image_problems(path: str, container: Spec) -> Iterator[str]:
    if "image" not in container:
        yield f"{path}.image: missing, expected repository:tag or repository@sha256:<64 hex digits>"
    elif (image := text(container["image"])) is not None:
        try:
            parse_ref(image)
        except ValueError as problem:
            yield f"{path}.image: {problem}"
    if (policy := text(container.get("imagePullPolicy"))) is not None:
        yield from choice_problems(f"{path}.imagePullPolicy", policy, _PULL_POLICIES)


def _resource_problems(path: str, container: Spec) -> Iterator[str]:
    requests, limits = at(container, "resources", "requests"), at(container, "resources", "limits")
    if not isinstance(requests, dict) or isinstance(limits, Unknown):
        return
    for name, request in requests.items():
        limit = at(limits, name)
        asked, most = quantity(request), quantity(limit)
        if asked is not None and most is not None and asked > most:
            yield f"{path}.requests.{name}: {request!r}, expected no more than the limit, {limit!r}"
        elif "/" in name and asked is not None and not isinstance(limit, Unknown) and asked != most:
            yield f"{path}.requests.{name}: {request!r}, expected a limit of the same, there is no more of it to be had"


def _mount_problems(path: str, spec: Spec, container: Spec, claims: Collection[str]) -> Iterator[str]:
    named = [MODELS_VOLUME, *claims, *(volume.get("name") for _, volume in entries(spec.get("volumes")))]
    taken = dict.fromkeys((MODELS_FOLDER, *(f"{CLAIMS_FOLDER}/{claim}" for claim in claims)), "ModelMesh's own mount")
    if folder := socket_folder(spec):
        taken[folder] = "the mount of the unix endpoints"
    for index, mount in entries(container.get("volumeMounts")):
        if (name := text(mount.get("name"))) is not None:
            if name != MODELS_VOLUME and is_taken(name, VOLUMES):
                yield f"{path}[{index}].name: {name!r} is a volume of ModelMesh's own"
            elif name not in named and not any(isinstance(known, Unknown) for known in named):
                yield f"{path}[{index}].name: {name!r}, expected a name in spec.volumes"
        if where := text(mount.get("mountPath")):
            place = posixpath.normpath(where)
            if place in taken:
                yield f"{path}[{index}].mountPath: {where!r}, expected another path than that of {taken[place]}"
            taken.setdefault(place, f"{path}[{index}]")


def _port_problems(path: str, ports: object, taken: dict[int, str]) -> Iterator[str]:
    yield from duplicate_problems(path, column(ports, "name"), "name")
    for index, port in entries(ports):
        yield from _name_problems(f"{path}[{index}].name", port.get("name"), PORT_NAMES)
        number = port.get("containerPort")
        if not isinstance(number, int):
            continue
        if number in taken or number in KEPT_PORTS:
            what = f"is {taken[number]}" if number in taken else "is kept by ModelMesh"
            yield f"{path}[{index}].containerPort: {number}, {what} in the same pod"
        else:
            yield from range_problems(f"{path}[{index}].containerPort", number, 1, HIGHEST_PORT)
