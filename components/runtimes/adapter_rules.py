"""Checks of a built-in adapter: the container that connects a model server without support for the mesh to it."""

from collections.abc import Iterator
from decimal import Decimal

from ..core.names_and_quantities import MIB, choice_problems, quantity
from ..core.problem import MISSING, FieldPath, Problem
from ..core.reading import Spec, at, column, entries, number, requested, text
from ..core.rendering import Unknown
from ..installation.serving_config import ServingConfig

_ADAPTER = FieldPath("spec", "builtInAdapter")
_MINIMUM_TIMEOUT_MILLIS = 100
_DEFAULT_MODEL_BYTES = 1_000_000
_SUFFICIENT_BYTES = 512 * MIB
"""Room for models with which the mesh starts whatever the default size of a model is."""
_FIELDS = {
    "ADAPTER_PORT": "spec.grpcEndpoint",
    "RUNTIME_PORT": "spec.builtInAdapter.runtimeManagementPort",
    "RUNTIME_DATA_ENDPOINT": "spec.grpcDataEndpoint",
    "MEM_BUFFER_BYTES": "spec.builtInAdapter.memBufferBytes",
    "LOADTIME_TIMEOUT": "spec.builtInAdapter.modelLoadingTimeoutMillis",
    "LOADING_CONCURRENCY": "metadata.annotations.maxLoadingConcurrency",
    "LIMIT_PER_MODEL_CONCURRENCY": "metadata.annotations.perModelConcurrencyLimit",
}
"""Environment variables of the adapter that the controller sets, and the fields it reads them from."""


def adapter_problems(spec: Spec, config: ServingConfig) -> Iterator[Problem]:
    """Check an adapter, for values that the controller refuses or that the mesh does not start with."""
    if not isinstance(adapter := spec.get("builtInAdapter"), dict):
        return
    timeout = at(adapter, "modelLoadingTimeoutMillis") or 0
    if number(timeout) is not None and timeout < _MINIMUM_TIMEOUT_MILLIS:
        yield Problem(_ADAPTER / "modelLoadingTimeoutMillis", timeout, f"{_MINIMUM_TIMEOUT_MILLIS} or more")
    if at(spec, "storageHelper", "disabled") is True:
        expected = "false or none: spec.builtInAdapter always pulls models itself"
        yield Problem(FieldPath("spec", "storageHelper", "disabled"), True, expected, ignored=True)
    for index, entry in entries(adapter.get("env")):
        if (name := text(entry.get("name"))) in _FIELDS:
            overridden = not name.endswith(("PORT", "ENDPOINT"))  # the others would contradict the endpoints
            expected = f"{_FIELDS[name]} instead of this variable"
            yield Problem(_ADAPTER / "env" / index / "name", name, expected, ignored=overridden)
    server, names = adapter.get("serverType"), column(spec.get("containers"), "name")
    if server not in config.built_in_server_types:
        yield from choice_problems(_ADAPTER / "serverType", server, config.built_in_server_types)
    elif server in names:
        index = names.index(server)
        yield from _capacity_problems(FieldPath("spec", "containers", index), spec["containers"][index], adapter)
    elif not any(isinstance(name, Unknown) for name in names):
        expected = f"one with the name {server!r}, which is builtInAdapter.serverType"
        yield Problem(FieldPath("spec", "containers"), names, expected)


def _capacity_problems(path: FieldPath, container: Spec, adapter: Spec) -> Iterator[Problem]:
    environment = {entry.get("name"): entry.get("value") for _, entry in entries(adapter.get("env"))}
    memory = environment.get("CONTAINER_MEM_REQ_BYTES", requested(container, "memory"))
    if memory is None:
        if "CONTAINER_MEM_REQ_BYTES" not in environment:  # A variable without a value gets one in the cluster.
            expected = "a quantity: ModelMesh derives from it the memory for models"
            yield Problem(path / "resources" / "requests" / "memory", MISSING, expected)
        return
    size = quantity(environment.get("DEFAULT_MODELSIZE", _DEFAULT_MODEL_BYTES))
    total, buffer = quantity(memory), quantity(adapter.get("memBufferBytes", 0))
    if size is None or total is None or buffer is None:
        return
    room, needed = total - buffer, max(2 * size, min(Decimal(_SUFFICIENT_BYTES), 10 * size))
    if buffer < 0:
        yield Problem(_ADAPTER / "memBufferBytes", int(buffer), "0 or more")
    elif room < needed:
        expected = (
            f"at least {needed:f} bytes less than the memory request of {memory}: the mesh does not start with only "
            f"{room:f} bytes for models"
        )
        yield Problem(_ADAPTER / "memBufferBytes", int(buffer), expected)
