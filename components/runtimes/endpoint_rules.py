"""The rules for who listens where in a runtime's pod: all of its containers share one set of ports."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ..core.mesh_pod import ADAPTER_PORT, MESH_PORTS, MODELS_FOLDER, PULLER_PORT
from ..core.names_and_quantities import HIGHEST_PORT
from ..core.reading import Spec, at, number, text
from ..installation.serving_config import ServingConfig

_FORMS = f"expected port:<1-{HIGHEST_PORT}> or unix:<absolute path in a folder of its own>"


def mesh_ports(spec: Spec, config: ServingConfig) -> dict[int, str]:
    """The ports that ModelMesh's own containers listen on, and what for."""
    ports = {**MESH_PORTS, config.service_port: "ModelMesh's Service"}
    if config.metrics.enabled:
        ports[config.metrics.port] = "the mesh's metrics"
    if config.rest_proxy.enabled:
        ports[config.rest_proxy.port] = "the REST proxy"
    if has_puller(spec):
        ports[PULLER_PORT] = "the puller"
    return ports


def has_puller(spec: Spec) -> bool:
    """Whether the controller adds its puller: a built-in adapter brings its own."""
    return at(spec, "builtInAdapter") is None and at(spec, "storageHelper", "disabled") is not True


def socket_folder(spec: Spec) -> str | None:
    """The folder of the unix sockets, which becomes a mount in every container."""
    parsed = [_parse(text(spec.get(field)) or "") for field in ("grpcDataEndpoint", "grpcEndpoint")]
    return next((str(endpoint.parent) for endpoint in parsed if isinstance(endpoint, PurePosixPath)), None)


def endpoint_problems(spec: Spec, config: ServingConfig) -> Iterator[str]:
    """Complains of endpoints that nobody could reach, or that two would listen on."""
    parsed: dict[str, int | PurePosixPath] = {}
    for field in ("grpcEndpoint", "grpcDataEndpoint"):
        if (value := text(spec.get(field))) is not None:
            if (endpoint := _parse(value)) is None:
                yield f"spec.{field}: {value!r}, {_FORMS}"
            else:
                parsed[field] = endpoint
    yield from _presence_problems(spec)
    yield from _socket_problems(spec, parsed)
    ports = {f"spec.{field}": endpoint for field, endpoint in parsed.items() if isinstance(endpoint, int)}
    yield from _port_problems(spec, config, ports)


def _parse(value: str) -> int | PurePosixPath | None:
    if match := re.fullmatch(r"port:([0-9]{1,5})", value):
        port = int(match[1])
        return port if 0 < port <= HIGHEST_PORT else None
    if not value.startswith("unix:"):
        return None
    path = PurePosixPath(re.sub(r"^unix:(//)?", "", value))
    return path if path.is_absolute() and str(path.parent) not in ("/", MODELS_FOLDER) else None


def _presence_problems(spec: Spec) -> Iterator[str]:
    if "grpcEndpoint" not in spec:
        yield (
            "spec.grpcEndpoint: missing, ModelMesh's controller panics without it; "
            f"port:{ADAPTER_PORT} with a built-in adapter"
        )
    before = "the built-in adapter" if at(spec, "builtInAdapter") is not None else "the puller"
    if "grpcDataEndpoint" not in spec and (before != "the puller" or has_puller(spec)):
        yield f"spec.grpcDataEndpoint: missing, requests would go to {before}, which answers none"


def _socket_problems(spec: Spec, parsed: dict[str, int | PurePosixPath]) -> Iterator[str]:
    management, data = parsed.get("grpcEndpoint"), parsed.get("grpcDataEndpoint")
    if not isinstance(management, PurePosixPath):
        return
    if at(spec, "builtInAdapter") is not None:
        yield f"spec.grpcEndpoint: {spec['grpcEndpoint']!r}, a built-in adapter needs port:<number>"
    elif isinstance(data, int) and not has_puller(spec):
        yield (
            f"spec.grpcEndpoint: {spec['grpcEndpoint']!r}, without the storage helper the mesh gets its folder "
            "only if spec.grpcDataEndpoint is unix:<path> too"
        )
    if isinstance(data, PurePosixPath) and data.parent != management.parent:
        yield (
            f"spec.grpcDataEndpoint: {spec['grpcDataEndpoint']!r}, expected the folder of spec.grpcEndpoint, "
            f"{str(management.parent)!r}"
        )


def _port_problems(spec: Spec, config: ServingConfig, ports: dict[str, int]) -> Iterator[str]:
    taken = mesh_ports(spec, config)
    server = {field: port for field, port in ports.items() if field != "spec.grpcEndpoint"}
    if (adapter := at(spec, "builtInAdapter")) is not None:
        field, port = "spec.builtInAdapter.runtimeManagementPort", at(adapter, "runtimeManagementPort")
        if isinstance(port, int) and 0 < port <= HIGHEST_PORT:
            server[field] = port
        elif port is None or number(port) is not None:
            yield f"{field}: {port!r}, expected the model server's port, 1-{HIGHEST_PORT}"
        own = ports.get("spec.grpcEndpoint")
        for field in [field for field, port in server.items() if port == own]:
            yield f"{field}: {own}, expected another than that of spec.grpcEndpoint, where the adapter listens"
    for field, port in (ports | server).items():
        if port in taken:
            yield f"{field}: {port}, is {taken[port]} in the same pod"
