"""The rules for ModelMesh Serving's configuration: what its controller refuses, overrides or takes amiss."""

import re
from collections.abc import Iterator, Mapping, Sequence

from ..core.mesh_pod import KEPT_PORTS, MESH_PORTS, PULLER_PORT
from ..core.metadata import key_problems, pod_label_problems
from ..core.names_and_quantities import (
    HIGHEST_PORT,
    MIB,
    choice_problems,
    duplicate_problems,
    quantity,
    quantity_problems,
    range_problems,
    shown,
    subdomain_problems,
)
from ..images.images import SERVER_TYPES
from .mesh_memory import buffer_mib, memory_mib
from .payload_processor import PayloadProcessor
from .serving_config import Resources, ServingConfig

_TAKEN_PORTS = {*MESH_PORTS, *KEPT_PORTS, PULLER_PORT}
_SERVER_PORTS = {
    "triton": (8000, 8001, 8002),
    "mlserver": (8001, 8002),
    "ovms": (8001, 8888),
    "torchserve": (7070, 7071),
}
"""Of model servers by the type of their adapter; of others, a runtime's own rules look."""
_UINT16 = 2**16 - 1
_INT32 = 2**31 - 1
_LEAST_MESSAGES = 4
_BY_FIELD = {
    "MM_SERVICE_NAME": "service_name",
    "MM_SVC_GRPC_PORT": "service_port",
    "MM_SVC_GRPC_MAX_MSG_SIZE": "max_message_bytes",
    "MM_LOG_EACH_INVOKE": "access_logging",
    "MM_METRICS": "metrics",
    "MM_PAYLOAD_PROCESSORS": "payload_processors",
}
_BY_CONTROLLER = (
    *("INTERNAL_GRPC_PORT", "INTERNAL_GRPC_SOCKET_PATH", "INTERNAL_SERVING_GRPC_PORT"),
    *("INTERNAL_SERVING_GRPC_SOCKET_PATH", "KV_STORE", "MM_DATAPLANE_CONFIG_PATH", "MM_DEFAULT_VMODEL_OWNER"),
    *("MM_KVSTORE_PREFIX", "MM_LABELS", "MM_LOCATION", "MM_TLS_CLIENT_AUTH", "MM_TLS_KEY_CERT_PATH"),
    *("MM_TLS_PRIVATE_KEY_PATH", "MM_TLS_TRUST_CERT_PATH", "MM_TYPE_CONSTRAINTS_PATH", "SHUTDOWN_TIMEOUT_MS"),
    *("WKUBE_POD_IPADDR", "WKUBE_POD_NAME"),
)
_MEMORY_ENVIRONMENT = {"MEM_LIMIT_MB", "HEAP_SIZE_MB"}

_ENVIRONMENT_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


def serving_config_problems(config: ServingConfig) -> Iterator[str]:
    """Everything that could not work, as "config.path: value, what is expected"."""
    if not _DNS_1035.fullmatch(config.service_name):
        yield (
            f"config.service_name: {config.service_name!r}, expected up to 63 small letters, digits and -, "
            "with a letter first and a letter or digit last"
        )
    yield from _ports(config)
    yield from range_problems("config.pods_per_runtime", config.pods_per_runtime, 1, _UINT16)
    yield from range_problems("config.max_message_bytes", config.max_message_bytes, 1, _INT32)
    yield from range_problems(
        "config.scale_to_zero.grace_period_seconds", config.scale_to_zero.grace_period_seconds, 0, _UINT16
    )
    yield from choice_problems("config.metrics.scheme", config.metrics.scheme, ("http", "https"))
    yield from subdomain_problems("config.storage_secret_name", config.storage_secret_name)
    if config.service_account_name:
        yield from subdomain_problems("config.service_account_name", config.service_account_name)
    yield from _resources(config)
    yield from pod_label_problems("config.pod_labels", config.pod_labels)
    yield from _capitals("config.pod_labels", config.pod_labels)
    yield from key_problems("config.pod_annotations", config.pod_annotations)
    yield from _capitals("config.pod_annotations", config.pod_annotations)
    for index, secret in enumerate(config.image_pull_secrets):
        yield from secret.problems(f"config.image_pull_secrets[{index}]")
    yield from duplicate_problems("config.image_pull_secrets", [secret.name for secret in config.image_pull_secrets])
    yield from _server_types(config.built_in_server_types)
    for index, processor in enumerate(config.payload_processors):
        yield from _processor(f"config.payload_processors[{index}]", processor)
    yield from duplicate_problems(
        "config.payload_processors", [processor.uri() for processor in config.payload_processors]
    )
    yield from _environment(config.mesh_environment)
    if not config.puller_command or not all(config.puller_command):
        yield f"config.puller_command: {list(config.puller_command)!r}, expected a program and its arguments"
    endpoint = config.management_endpoint
    if endpoint is not None and (not endpoint or re.search(r"\s", endpoint)):
        yield f"config.management_endpoint: {shown(endpoint)}, expected <host>:<port> or None"


def _ports(config: ServingConfig) -> Iterator[str]:
    ports = {"config.service_port": config.service_port}
    if config.rest_proxy.enabled:
        ports["config.rest_proxy.port"] = config.rest_proxy.port
    if config.metrics.enabled:
        ports["config.metrics.port"] = config.metrics.port
    taken = _TAKEN_PORTS.union(*(_SERVER_PORTS.get(server, ()) for server in config.built_in_server_types))
    by_number: dict[int, str] = {}
    for path, port in ports.items():
        yield from range_problems(path, port, 1, HIGHEST_PORT)
        if port in taken:
            yield f"{path}: {port}, which a container of the same pod listens on; expected another port"
        if port in by_number:
            yield f"{path}: {port}, which is {by_number[port]} already; expected another port"
        by_number[port] = path


def _resources(config: ServingConfig) -> Iterator[str]:
    yield from resource_problems("config.adapter_resources", config.adapter_resources)
    yield from resource_problems("config.rest_proxy.resources", config.rest_proxy.resources)
    if config.mesh_resources is None:
        return
    yield from resource_problems("config.mesh_resources", config.mesh_resources)
    limit = quantity(config.mesh_resources.limits.get("memory"))
    if limit is None or _MEMORY_ENVIRONMENT & config.mesh_environment.keys():
        return  # who says how the memory is divided is believed
    room, message = max(buffer_mib(int(limit // MIB)), 0), config.max_message_bytes
    if room * MIB < _LEAST_MESSAGES * message and 0 < message <= _INT32:
        yield (
            f"config.mesh_resources.limits.memory: {config.mesh_resources.limits['memory']!r} leaves {room} MiB for "
            f"messages, expected room for {_LEAST_MESSAGES} of max_message_bytes ({message}), "
            f"as {memory_mib(message)}Mi has, or no mesh_resources"
        )


def resource_problems(path: str, resources: Resources) -> Iterator[str]:
    """Complains unless all four quantities are there and no limit is below its request."""
    sides = {"requests": resources.requests, "limits": resources.limits}
    for side, quantities in sides.items():
        for unknown in quantities.keys() - {"cpu", "memory"}:
            yield f"{path}.{side}.{unknown}: unknown, ModelMesh Serving knows cpu and memory"
        for what in ("cpu", "memory"):
            if what not in quantities:
                yield f"{path}.{side}.{what}: missing, expected a quantity"
            else:
                yield from quantity_problems(f"{path}.{side}.{what}", quantities[what])
    for what in ("cpu", "memory"):
        request, limit = (quantity(quantities.get(what)) for quantities in sides.values())
        if request is not None and limit is not None and limit < request:
            yield f"{path}.limits.{what}: {resources.limits[what]!r}, expected at least {resources.requests[what]!r}"


def _capitals(path: str, entries: Mapping[str, str]) -> Iterator[str]:
    for key in entries:
        if key != key.lower():
            yield f"{path}.{key}: upstream would make it {key.lower()!r}, expected no capitals in the key"


def _server_types(types: Sequence[str]) -> Iterator[str]:
    if not types:
        yield f"config.built_in_server_types: empty, no runtime could run; expected some of {', '.join(SERVER_TYPES)}"
    for index, server in enumerate(types):
        yield from choice_problems(f"config.built_in_server_types[{index}]", server, SERVER_TYPES)
    yield from duplicate_problems("config.built_in_server_types", types)


def _processor(path: str, processor: PayloadProcessor) -> Iterator[str]:
    yield from choice_problems(f"{path}.scheme", processor.scheme, ("logger", "http"))
    if processor.scheme == "http" and not processor.host:
        yield f"{path}.host: empty, expected the host that takes the payloads"
    if processor.scheme == "logger" and (processor.host or processor.port is not None or processor.path):
        yield f"{path}: the logger is in the mesh itself, expected no host, port and path"
    if "/" in processor.host:
        yield f"{path}.host: {shown(processor.host)}, expected a host alone, without scheme and path"
    if processor.port is not None:
        yield from range_problems(f"{path}.port", processor.port, 1, HIGHEST_PORT)
    for field in ("host", "path", "model_id", "method"):
        if re.search(r"[\s?#]", value := getattr(processor, field)):
            yield f"{path}.{field}: {shown(value)}, expected no spaces, ? and #"


def _environment(environment: Mapping[str, str]) -> Iterator[str]:
    for name in environment:
        path = f"config.mesh_environment.{name}"
        if name in _BY_FIELD:
            yield f"{path}: ModelMesh Serving sets it, expected config.{_BY_FIELD[name]} instead"
        elif name in _BY_CONTROLLER:
            yield f"{path}: ModelMesh Serving sets it for each pod, expected another name"
        elif not _ENVIRONMENT_NAME.fullmatch(name):
            yield f"{path}: expected a name of letters, digits, -, _ and ., without a digit first"
