"""The rules for a ServingRuntime that ModelMesh Serving enforces in its controller's log, or not at all.

Pure functions over the rendered spec. Nothing here is about the schema, which `upstream.spec_problems` checks.
"""

from collections.abc import Iterator
from typing import Any

Spec = dict[str, Any]

BUILT_IN_ADAPTERS = ("triton", "mlserver", "ovms", "torchserve")
MLSERVER_ADAPTER_FORMATS = ("lightgbm", "mllib", "sklearn", "xgboost")
"""Formats for which the MLServer adapter picks MLServer's own implementation, past any custom one."""

_CONTAINER_NAMES = ("mm", "rest-proxy", "puller")
_VOLUME_NAMES = ("storage-config", "etcd-config", "tc-config", "domain-socket", "models-dir", "tls-certs")
_PORT_NAMES = ("grpc", "http", "prometheus")
_PORTS = {8008, 8033, 8080, 8085, 8086, 8089, 8090, 2112, *range(11881, 11900)}
_MINIMAL_LOAD_MILLIS = 100
_LABEL_LENGTH = 63


def runtime_problems(name: str, service: str, spec: Spec) -> list[str]:
    """Everything that would make ModelMesh ignore or refuse the runtime, as "path: value, what is expected"."""
    problems = [*_model_problems(spec), *_adapter_problems(spec), *_volume_problems(spec)]
    if len(label := f"{service}-{name}") > _LABEL_LENGTH:
        problems.append(
            f"metadata.name: {label!r} becomes a label and is {len(label)} characters long, {_LABEL_LENGTH} fit"
        )
    adapter = spec.get("builtInAdapter", {}).get("serverType")
    for index, container in enumerate(spec.get("containers", [])):
        problems += _container_problems(f"spec.containers[{index}]", container, adapter)
    return problems


def mlserver_format_problems(formats: list[str]) -> list[str]:
    """Format names that a custom MLServer runtime must not take."""
    return [
        f"spec.supportedModelFormats[{index}].name: {name!r} makes the MLServer adapter load MLServer's own class "
        f"instead of yours; take another name than {', '.join(MLSERVER_ADAPTER_FORMATS)}"
        for index, name in enumerate(formats)
        if name in MLSERVER_ADAPTER_FORMATS
    ]


def _model_problems(spec: Spec) -> Iterator[str]:
    if spec.get("multiModel") is not True:
        yield f"spec.multiModel: {spec.get('multiModel')!r}, ModelMesh only takes runtimes with true"
    if "grpcEndpoint" not in spec:
        yield "spec.grpcEndpoint: missing, ModelMesh's controller panics without it; port:8085 with a built-in adapter"
    for field in ("grpcEndpoint", "grpcDataEndpoint"):
        if (value := spec.get(field)) is not None and not _is_endpoint(str(value)):
            yield f"spec.{field}: {value!r}, expected port:<number> or unix:<path>"


def _adapter_problems(spec: Spec) -> Iterator[str]:
    adapter = spec.get("builtInAdapter")
    if adapter is None:
        return
    server = adapter.get("serverType")
    if server not in BUILT_IN_ADAPTERS:
        yield f"spec.builtInAdapter.serverType: {server!r}, expected one of {', '.join(BUILT_IN_ADAPTERS)}"
    names = [container.get("name") for container in spec.get("containers", [])]
    if server not in names:
        yield f"spec.containers: named {names}, one has to be named {server!r} as builtInAdapter.serverType"
    if str(spec.get("grpcEndpoint", "port:")).startswith("unix:"):
        yield f"spec.grpcEndpoint: {spec['grpcEndpoint']!r}, a built-in adapter needs port:<number>"
    timeout = adapter.get("modelLoadingTimeoutMillis", 0)
    if timeout < _MINIMAL_LOAD_MILLIS:
        yield (
            f"spec.builtInAdapter.modelLoadingTimeoutMillis: {timeout}, "
            f"ModelMesh refuses less than {_MINIMAL_LOAD_MILLIS}"
        )


def _volume_problems(spec: Spec) -> Iterator[str]:
    for index, volume in enumerate(spec.get("volumes", [])):
        if _reserved(volume.get("name", ""), _VOLUME_NAMES):
            reserved = ", ".join(_VOLUME_NAMES)
            yield f"spec.volumes[{index}].name: {volume['name']!r} is reserved, as are {reserved} and mm-*"


def _container_problems(path: str, container: Spec, adapter: str | None) -> Iterator[str]:
    name = container.get("name", "")
    if _reserved(name, (*_CONTAINER_NAMES, f"{adapter}-adapter")):
        yield f"{path}.name: {name!r} is reserved, as are {', '.join(_CONTAINER_NAMES)}, mm-* and <serverType>-adapter"
    for field in ("readinessProbe", "lifecycle"):
        if field in container:
            yield f"{path}.{field}: not allowed, ModelMesh sets it; a livenessProbe is"
    for index, mount in enumerate(container.get("volumeMounts", [])):
        if _reserved(mount.get("name", ""), _VOLUME_NAMES):
            yield f"{path}.volumeMounts[{index}].name: {mount['name']!r} is a volume of ModelMesh's own"
    for index, port in enumerate(container.get("ports", [])):
        if _reserved(port.get("name", ""), _PORT_NAMES):
            yield f"{path}.ports[{index}].name: {port['name']!r} is reserved, as are {', '.join(_PORT_NAMES)} and mm-*"
        if port.get("containerPort") in _PORTS:
            yield f"{path}.ports[{index}].containerPort: {port['containerPort']} is used by ModelMesh in the same pod"


def _reserved(name: str, names: tuple[str, ...]) -> bool:
    return name in names or name.startswith("mm-")


def _is_endpoint(value: str) -> bool:
    kind, _, rest = value.partition(":")
    return (kind == "port" and rest.isdigit()) or (kind == "unix" and bool(rest))
