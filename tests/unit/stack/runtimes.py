"""Runtimes to vary, good ones, and why a changed one is refused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pulumi_kubernetes.core import v1

from components.core.problem import InvalidSpecError
from components.installation.serving_config import ServingConfig
from components.runtimes.mlserver_runtime import mlserver_runtime
from components.runtimes.serving_runtime import ServingRuntime, ServingRuntimeArgs
from components.runtimes.serving_runtime_spec import ModelFormat, ServingRuntimeSpec
from components.stores.storage import Storage
from tests.unit.stack import worlds
from tests.unit.stack.engine import run
from tests.unit.stack.worlds import place

IMAGE = "registry.example/server:1"
FORMAT = ModelFormat(name="custom-model", version="1")


def container(**changes: Any) -> v1.ContainerArgs:
    """A server's container, with these fields instead of or beside the usual ones."""
    size = {"cpu": "1", "memory": "1Gi"}
    resources = v1.ResourceRequirementsArgs(requests=size, limits=size)
    values: dict[str, Any] = {"name": "server", "image": IMAGE, "resources": resources}
    return v1.ContainerArgs(**(values | changes))


def plain(*containers: v1.ContainerArgs, **changes: Any) -> ServingRuntimeSpec:
    """A runtime with an adapter of its own, with these containers and fields instead of the usual ones."""
    values: dict[str, Any] = {
        "containers": containers or [container()],
        "supported_model_formats": [FORMAT],
        "grpc_endpoint": "port:9000",
        "grpc_data_endpoint": "port:9001",
    }
    return ServingRuntimeSpec(**(values | changes))


def mlserver(**changes: Any) -> ServingRuntimeSpec:
    return mlserver_runtime(**({"image": IMAGE, "formats": [FORMAT]} | changes))


def server(**changes: Any) -> ServingRuntimeSpec:
    """A runtime of the MLServer adapter whose server's container is another."""
    return replace(mlserver(), containers=[container(**({"name": "mlserver"} | changes))])


def adapter(**changes: Any) -> ServingRuntimeSpec:
    """A runtime of the MLServer adapter whose adapter says something else."""
    good = mlserver()
    assert good.built_in_adapter is not None
    return replace(good, built_in_adapter=replace(good.built_in_adapter, **changes))


def node_affinity() -> v1.AffinityArgs:
    term = v1.NodeSelectorTermArgs(
        match_expressions=[v1.NodeSelectorRequirementArgs(key="disk", operator="In", values=["ssd"])]
    )
    return v1.AffinityArgs(
        node_affinity=v1.NodeAffinityArgs(
            required_during_scheduling_ignored_during_execution=v1.NodeSelectorArgs(node_selector_terms=[term])
        )
    )


def refused(
    spec: ServingRuntimeSpec,
    name: str = "custom",
    *,
    config: ServingConfig | None = None,
    storage: Mapping[str, Storage] | None = None,
    **fields: Any,
) -> list[str]:
    """Why a ServingRuntime of this spec is refused; empty when it is made. Nothing is made when it is refused."""
    problems: list[str] = []

    def program() -> None:
        where = place(config=config or worlds.config(), storage=storage)
        try:
            ServingRuntime("runtime", ServingRuntimeArgs(namespace=where, runtime_name=name, spec=spec, **fields))
        except InvalidSpecError as problem:
            problems.extend(map(str, problem.problems))

    assert bool(run(program).resources) is not bool(problems), "nothing may be registered before all was checked"
    return problems
