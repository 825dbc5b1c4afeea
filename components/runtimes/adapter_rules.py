"""The rules for a built-in adapter: the container between the mesh and a model server that does not know the mesh."""

from collections.abc import Iterator
from decimal import Decimal

from ..core.names_and_quantities import MIB, choice_problems, quantity
from ..core.reading import Spec, at, entries, number, requested, text
from ..core.rendering import Unknown
from ..installation.serving_config import ServingConfig

_MINIMAL_LOAD_MILLIS = 100
_DEFAULT_MODEL_BYTES = 1_000_000
_ENOUGH_BYTES = 512 * MIB
_SAID_ELSEWHERE = {
    "ADAPTER_PORT": "spec.grpcEndpoint",
    "RUNTIME_PORT": "spec.builtInAdapter.runtimeManagementPort",
    "RUNTIME_DATA_ENDPOINT": "spec.grpcDataEndpoint",
    "MEM_BUFFER_BYTES": "spec.builtInAdapter.memBufferBytes",
    "LOADTIME_TIMEOUT": "spec.builtInAdapter.modelLoadingTimeoutMillis",
    "LOADING_CONCURRENCY": "metadata.annotations.maxLoadingConcurrency",
    "LIMIT_PER_MODEL_CONCURRENCY": "metadata.annotations.perModelConcurrencyLimit",
}


def adapter_problems(spec: Spec, config: ServingConfig) -> Iterator[str]:
    """Complains of an adapter that the controller refuses, or that the mesh would not start with."""
    if not isinstance(adapter := spec.get("builtInAdapter"), dict):
        return
    timeout = at(adapter, "modelLoadingTimeoutMillis") or 0
    if number(timeout) is not None and timeout < _MINIMAL_LOAD_MILLIS:
        yield (
            f"spec.builtInAdapter.modelLoadingTimeoutMillis: {timeout}, "
            f"ModelMesh refuses less than {_MINIMAL_LOAD_MILLIS}"
        )
    if at(spec, "storageHelper", "disabled") is True:
        yield "spec.storageHelper.disabled: True, ignored beside spec.builtInAdapter, which pulls models itself"
    for index, entry in entries(adapter.get("env")):
        if (name := text(entry.get("name"))) in _SAID_ELSEWHERE:
            yield f"spec.builtInAdapter.env[{index}].name: {name!r}, expected to be said by {_SAID_ELSEWHERE[name]}"
    server, containers = adapter.get("serverType"), entries(spec.get("containers"))
    names = [container.get("name") for _, container in containers]
    if not isinstance(server, Unknown) and server not in config.built_in_server_types:
        yield from choice_problems("spec.builtInAdapter.serverType", server, config.built_in_server_types)
    elif server in names:
        index = names.index(server)
        yield from _capacity_problems(f"spec.containers[{index}]", containers[index][1], adapter)
    elif not any(isinstance(name, Unknown) for name in (server, *names)):
        yield f"spec.containers: named {names}, one has to be named {server!r} as builtInAdapter.serverType"


def _capacity_problems(path: str, container: Spec, adapter: Spec) -> Iterator[str]:
    environment = {entry.get("name"): entry.get("value") for _, entry in entries(adapter.get("env"))}
    memory = environment.get("CONTAINER_MEM_REQ_BYTES", requested(container, "memory"))
    if memory is None:
        if "CONTAINER_MEM_REQ_BYTES" not in environment:  # else it comes from somewhere in the cluster
            yield f"{path}.resources.requests.memory: missing, ModelMesh takes from it the room there is for models"
        return
    size = quantity(environment.get("DEFAULT_MODELSIZE", _DEFAULT_MODEL_BYTES))
    total, buffer = quantity(memory), quantity(adapter.get("memBufferBytes", 0))
    if size is None or total is None or buffer is None:
        return
    room, needed = total - buffer, max(2 * size, min(Decimal(_ENOUGH_BYTES), 10 * size))
    if buffer < 0:
        yield f"spec.builtInAdapter.memBufferBytes: {buffer}, expected 0 or more"
    elif room < needed:
        yield (
            f"spec.builtInAdapter.memBufferBytes: {buffer}, of a memory request of {memory} leaves {room:f} bytes for "
            f"models; expected {needed:f} or more, the mesh does not start with less"
        )
