"""Checks of a runtime's endpoints and ports, which all containers of a pod share."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ..core.mesh_pod import ADAPTER_PORT, MESH_PORTS, MODELS_FOLDER, PULLER_PORT
from ..core.names_and_quantities import HIGHEST_PORT
from ..core.problem import MISSING, FieldPath, Problem
from ..core.reading import Spec, at, column, entries, number, text
from ..installation.serving_config import ServingConfig

_MANAGEMENT, _DATA = FieldPath("spec", "grpcEndpoint"), FieldPath("spec", "grpcDataEndpoint")
_SERVER_PORT = FieldPath("spec", "builtInAdapter", "runtimeManagementPort")
_FORMS = f"port:<1-{HIGHEST_PORT}> or unix:<absolute path in a folder that is only for sockets>"

_LISTENING = ("MLSERVER_GRPC_PORT", "MLSERVER_HTTP_PORT", "MLSERVER_METRICS_PORT")
"""Variables with the ports that MLServer listens on."""
_MODELS = f"{MODELS_FOLDER}/_mlserver_models"
"""Folder in which MLServer's adapter puts models, unless its variable ROOT_MODEL_DIR names another one."""

_Endpoints = dict[FieldPath, int | PurePosixPath]


def mesh_ports(spec: Spec, config: ServingConfig) -> dict[int, str]:
    """Return the ports that ModelMesh's own containers listen on, each with its purpose."""
    ports = {**MESH_PORTS, config.service_port: "the port of ModelMesh's Service"}
    if config.metrics.enabled:
        ports[config.metrics.port] = "the port of the mesh's metrics"
    if config.rest_proxy.enabled:
        ports[config.rest_proxy.port] = "the port of the REST proxy"
    if has_puller(spec):
        ports[PULLER_PORT] = "the port of the puller"
    return ports


def has_puller(spec: Spec) -> bool:
    """Tell whether the controller adds its puller, which a built-in adapter includes."""
    return at(spec, "builtInAdapter") is None and at(spec, "storageHelper", "disabled") is not True


def socket_folders(spec: Spec) -> set[str]:
    """Return the folder of the unix sockets, which is mounted in every container; none without sockets."""
    parsed = [_parse(text(spec.get(field)) or "") for field in ("grpcDataEndpoint", "grpcEndpoint")]
    return {str(endpoint.parent) for endpoint in parsed if isinstance(endpoint, PurePosixPath)}


def endpoint_problems(spec: Spec, config: ServingConfig) -> Iterator[Problem]:
    """Check that each endpoint can be reached and that no port is used twice."""
    endpoints: _Endpoints = {}
    for path in (_MANAGEMENT, _DATA):
        if (value := text(spec.get(str(path[-1])))) is not None:
            if (endpoint := _parse(value)) is None:
                yield Problem(path, value, _FORMS)
            else:
                endpoints[path] = endpoint
    yield from _presence_problems(spec)
    yield from _socket_problems(spec, endpoints)
    ports = {path: endpoint for path, endpoint in endpoints.items() if isinstance(endpoint, int)}
    found = list(_port_problems(spec, config, ports))
    yield from found or _environment_problems(spec, config, ports)


def _parse(value: str) -> int | PurePosixPath | None:
    if match := re.fullmatch(r"port:([0-9]{1,5})", value):
        port = int(match[1])
        return port if 0 < port <= HIGHEST_PORT else None
    if not value.startswith("unix:"):
        return None
    path = PurePosixPath(re.sub(r"^unix:(//)?", "", value))
    return path if path.is_absolute() and str(path.parent) not in ("/", MODELS_FOLDER) else None


def _presence_problems(spec: Spec) -> Iterator[Problem]:
    if "grpcEndpoint" not in spec:
        expected = f"an endpoint, without which ModelMesh's controller panics; port:{ADAPTER_PORT} with an adapter"
        yield Problem(_MANAGEMENT, MISSING, expected)
    receiver = "the built-in adapter" if at(spec, "builtInAdapter") is not None else "the puller"
    if "grpcDataEndpoint" not in spec and (receiver != "the puller" or has_puller(spec)):
        yield Problem(_DATA, MISSING, f"an endpoint: requests would go to {receiver}, which does not answer them")


def _socket_problems(spec: Spec, endpoints: _Endpoints) -> Iterator[Problem]:
    management, data = endpoints.get(_MANAGEMENT), endpoints.get(_DATA)
    if not isinstance(management, PurePosixPath):
        return
    if at(spec, "builtInAdapter") is not None:
        yield Problem(_MANAGEMENT, spec["grpcEndpoint"], "port:<number>, the only form for a built-in adapter")
    elif isinstance(data, int) and not has_puller(spec):
        expected = "port:<number>: without the storage helper, the mesh mounts the folder of spec.grpcDataEndpoint only"
        yield Problem(_MANAGEMENT, spec["grpcEndpoint"], expected)
    if isinstance(data, PurePosixPath) and data.parent != management.parent:
        expected = f"a socket in the folder of {_MANAGEMENT}, {str(management.parent)!r}"
        yield Problem(_DATA, spec["grpcDataEndpoint"], expected)


def _port_problems(spec: Spec, config: ServingConfig, ports: dict[FieldPath, int]) -> Iterator[Problem]:
    taken = mesh_ports(spec, config)
    server_ports = {path: port for path, port in ports.items() if path != _MANAGEMENT}
    if (adapter := at(spec, "builtInAdapter")) is not None:
        port = at(adapter, "runtimeManagementPort")
        if isinstance(port, int) and 0 < port <= HIGHEST_PORT:
            server_ports[_SERVER_PORT] = port
        elif port is None or number(port) is not None:
            yield Problem(_SERVER_PORT, port, f"the model server's port, 1-{HIGHEST_PORT}")
        for path, port in server_ports.items():
            if port == ports.get(_MANAGEMENT):
                yield Problem(path, port, f"another port than that of {_MANAGEMENT}, where the adapter listens")
    for path, port in (ports | server_ports).items():
        if port in taken:
            yield Problem(path, port, f"another port: in the same pod this is {taken[port]}")


def _environment_problems(spec: Spec, config: ServingConfig, ports: dict[FieldPath, int]) -> Iterator[Problem]:
    """Check that MLServer's environment agrees with the endpoints; variables of the image are unknown."""
    adapter = at(spec, "builtInAdapter") or {}
    taken = mesh_ports(spec, config) | ({ADAPTER_PORT: "the port of the adapter"} if adapter else {})
    called = {_DATA: ports.get(_DATA), _SERVER_PORT: at(adapter, "runtimeManagementPort")}
    moved = "ROOT_MODEL_DIR" in column(at(adapter, "env"), "name")
    for index, container in entries(spec.get("containers")):
        adapted = at(adapter, "serverType") == container.get("name") == "mlserver"
        for position, variable in entries(container.get("env")):
            path = FieldPath("spec", "containers", index, "env", position, "value")
            name, value = text(variable.get("name")), text(variable.get("value"))
            if name in _LISTENING and value and value.isdecimal() and int(value) in taken:
                yield Problem(path, value, f"another port: in the same pod this is {taken[int(value)]}")
            elif value and adapted and name == "MLSERVER_GRPC_PORT":
                for field, port in called.items():
                    if isinstance(port, int) and value != str(port):
                        yield Problem(path, value, f"{port}, the port of {field}")
            elif (
                value
                and adapted
                and name == "MLSERVER_MODELS_DIR"
                and not moved
                and posixpath.normpath(value) != _MODELS
            ):
                yield Problem(path, value, f"{_MODELS}, in which the adapter puts models")
