"""Checks of a ServingConfig: values that ModelMesh Serving's controller refuses, overrides or misinterprets."""

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
    subdomain_problems,
)
from ..core.problem import HIDDEN, MISSING, FieldPath, Problem
from ..images.images import SERVER_TYPES
from .mesh_memory import buffer_mib, memory_mib
from .serving_config import PayloadProcessor, Resources, ServingConfig

_TAKEN_PORTS = {*MESH_PORTS, *KEPT_PORTS, PULLER_PORT}
_SERVER_PORTS = {
    "triton": (8000, 8001, 8002),
    "mlserver": (8001, 8002),
    "ovms": (8001, 8888),
    "torchserve": (7070, 7071),
}
"""Ports of the built-in model servers; the checks of a runtime look at those of a custom one."""
_UINT16 = 2**16 - 1
_INT32 = 2**31 - 1
_MINIMUM_MESSAGES = 4
"""Messages of the maximum size that the mesh must have memory for."""
_FIELDS = {
    "MM_SERVICE_NAME": "service_name",
    "MM_SVC_GRPC_PORT": "service_port",
    "MM_SVC_GRPC_MAX_MSG_SIZE": "max_message_bytes",
    "MM_LOG_EACH_INVOKE": "access_logging",
    "MM_METRICS": "metrics",
    "MM_PAYLOAD_PROCESSORS": "payload_processors",
}
"""Environment variables of the mesh that the controller sets from a field of ServingConfig."""
_BY_CONTROLLER = (
    *("INTERNAL_GRPC_PORT", "INTERNAL_GRPC_SOCKET_PATH", "INTERNAL_SERVING_GRPC_PORT"),
    *("INTERNAL_SERVING_GRPC_SOCKET_PATH", "KV_STORE", "MM_DATAPLANE_CONFIG_PATH", "MM_DEFAULT_VMODEL_OWNER"),
    *("MM_KVSTORE_PREFIX", "MM_LABELS", "MM_LOCATION", "MM_TLS_CLIENT_AUTH", "MM_TLS_KEY_CERT_PATH"),
    *("MM_TLS_PRIVATE_KEY_PATH", "MM_TLS_TRUST_CERT_PATH", "MM_TYPE_CONSTRAINTS_PATH", "SHUTDOWN_TIMEOUT_MS"),
    *("WKUBE_POD_IPADDR", "WKUBE_POD_NAME"),
)
"""Environment variables of the mesh that the controller sets for each pod."""
_MEMORY_ENVIRONMENT = {"MEM_LIMIT_MB", "HEAP_SIZE_MB"}

_ENVIRONMENT_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


def serving_config_problems(path: FieldPath, config: ServingConfig) -> Iterator[Problem]:
    """Check the whole configuration, which is at `path`."""
    if not _DNS_1035.fullmatch(config.service_name):
        expected = "up to 63 lower-case letters, digits and -, with a letter first and a letter or digit last"
        yield Problem(path / "service_name", config.service_name, expected)
    yield from _ports(path, config)
    yield from range_problems(path / "pods_per_runtime", config.pods_per_runtime, 1, _UINT16)
    yield from range_problems(path / "max_message_bytes", config.max_message_bytes, 1, _INT32)
    grace_period = path / "scale_to_zero" / "grace_period_seconds"
    yield from range_problems(grace_period, config.scale_to_zero.grace_period_seconds, 0, _UINT16)
    yield from choice_problems(path / "metrics" / "scheme", config.metrics.scheme, ("http", "https"))
    yield from subdomain_problems(path / "storage_secret_name", config.storage_secret_name)
    if config.service_account_name:
        yield from subdomain_problems(path / "service_account_name", config.service_account_name)
    yield from _resources(path, config)
    yield from pod_label_problems(path / "pod_labels", config.pod_labels)
    yield from key_problems(path / "pod_annotations", config.pod_annotations)
    for field, entries in (("pod_labels", config.pod_labels), ("pod_annotations", config.pod_annotations)):
        yield from _case_problems(path / field, entries)
    secrets, processors = path / "image_pull_secrets", path / "payload_processors"
    for index, secret in enumerate(config.image_pull_secrets):
        yield from secret.problems(secrets / index)
    yield from duplicate_problems(secrets, [secret.name for secret in config.image_pull_secrets], "name")
    yield from _server_types(path / "built_in_server_types", config.built_in_server_types)
    for index, processor in enumerate(config.payload_processors):
        yield from _processor(processors / index, processor)
    yield from duplicate_problems(processors, [processor.uri() for processor in config.payload_processors])
    yield from _environment(path, config.mesh_environment)
    if not config.puller_command or not all(config.puller_command):
        yield Problem(path / "puller_command", list(config.puller_command), "a program and its arguments")
    endpoint = config.management_endpoint
    if endpoint is not None and (not endpoint or re.search(r"\s", endpoint)):
        yield Problem(path / "management_endpoint", endpoint, "<host>:<port> or None")


def _ports(path: FieldPath, config: ServingConfig) -> Iterator[Problem]:
    ports = {path / "service_port": config.service_port}
    if config.rest_proxy.enabled:
        ports[path / "rest_proxy" / "port"] = config.rest_proxy.port
    if config.metrics.enabled:
        ports[path / "metrics" / "port"] = config.metrics.port
    taken = _TAKEN_PORTS.union(*(_SERVER_PORTS.get(server, ()) for server in config.built_in_server_types))
    first: dict[int, FieldPath] = {}
    for field, port in ports.items():
        yield from range_problems(field, port, 1, HIGHEST_PORT)
        if port in taken:
            yield Problem(field, port, "a port that no container of the same pod listens on")
        if (other := first.setdefault(port, field)) != field:
            yield Problem(field, port, f"another port than that of {other}")


def _resources(path: FieldPath, config: ServingConfig) -> Iterator[Problem]:
    yield from resource_problems(path / "adapter_resources", config.adapter_resources)
    yield from resource_problems(path / "rest_proxy" / "resources", config.rest_proxy.resources)
    if config.mesh_resources is None:
        return
    yield from resource_problems(path / "mesh_resources", config.mesh_resources)
    memory = config.mesh_resources.limits.get("memory")
    limit = quantity(memory)
    if limit is None or _MEMORY_ENVIRONMENT & config.mesh_environment.keys():
        return  # These variables set the division of the memory themselves.
    room, message = max(buffer_mib(int(limit // MIB)), 0), config.max_message_bytes
    if room * MIB < _MINIMUM_MESSAGES * message and message <= _INT32:
        yield Problem(
            path / "mesh_resources" / "limits" / "memory",
            memory,
            f"memory for {_MINIMUM_MESSAGES} messages of max_message_bytes ({message}), such as {memory_mib(message)}Mi"
            f" (this leaves {room} MiB for messages), or no mesh_resources",
        )


def resource_problems(path: FieldPath, resources: Resources) -> Iterator[Problem]:
    """Check that all four quantities are given and no limit is below its request."""
    sides = {"requests": resources.requests, "limits": resources.limits}
    for side, quantities in sides.items():
        for unknown in quantities.keys() - {"cpu", "memory"}:
            yield Problem(path / side, unknown, "only cpu and memory, the resources that ModelMesh Serving reads here")
        for resource in ("cpu", "memory"):
            yield from quantity_problems(path / side / resource, quantities.get(resource, MISSING))
    for resource in ("cpu", "memory"):
        request, limit = (quantity(quantities.get(resource)) for quantities in sides.values())
        if request is not None and limit is not None and limit < request:
            at_least = f"at least the request, {resources.requests[resource]!r}"
            yield Problem(path / "limits" / resource, resources.limits[resource], at_least)


def _case_problems(path: FieldPath, entries: Mapping[str, str]) -> Iterator[Problem]:
    for key, value in entries.items():
        if key != key.lower():
            yield Problem(
                path / key,
                value,
                f"a key in lower case: the controller would change it to {key.lower()!r}",
                ignored=True,
            )


def _server_types(path: FieldPath, types: Sequence[str]) -> Iterator[Problem]:
    if not types:
        yield Problem(path, list(types), f"at least one of {', '.join(SERVER_TYPES)}")
    for index, server in enumerate(types):
        yield from choice_problems(path / index, server, SERVER_TYPES)
    yield from duplicate_problems(path, types)


def _processor(path: FieldPath, processor: PayloadProcessor) -> Iterator[Problem]:
    yield from choice_problems(path / "scheme", processor.scheme, ("logger", "http"))
    if processor.scheme == "http" and not processor.host:
        yield Problem(path / "host", processor.host, "the host of the server that receives the payloads")
    if processor.scheme == "logger" and (processor.host or processor.port is not None or processor.path):
        expected = "no host, port or path: the logger runs in the mesh itself"
        yield Problem(path, HIDDEN, expected, ignored=True)
    if "/" in processor.host:
        yield Problem(path / "host", processor.host, "a host without scheme and path")
    if processor.port is not None:
        yield from range_problems(path / "port", processor.port, 1, HIGHEST_PORT)
    for field in ("host", "path", "model_id", "method"):
        if re.search(r"[\s?#]", value := getattr(processor, field)):
            yield Problem(path / field, value, "no spaces, ? or #")


def _environment(path: FieldPath, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Check the variables' names; no problem quotes a value, which may be a credential."""
    for name in environment:
        field = path / "mesh_environment" / name
        if name in _FIELDS:
            expected = f"{path / _FIELDS[name]}, from which the controller sets this variable"
            yield Problem(field, HIDDEN, expected, ignored=True)
        elif name in _BY_CONTROLLER:
            yield Problem(field, HIDDEN, "no such variable: the controller sets it for each pod", ignored=True)
        elif not _ENVIRONMENT_NAME.fullmatch(name):
            yield Problem(field, HIDDEN, "a name of letters, digits, -, _ and ., which does not start with a digit")
