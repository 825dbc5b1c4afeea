"""Where the runtimes of these tests go: an installation and namespaces of which nothing is made."""

from collections.abc import Mapping
from typing import Any, cast

import pulumi
from pulumi_kubernetes.core.v1 import ContainerArgs, ResourceRequirementsArgs

from components.cluster import Cluster
from components.images import resolve
from components.installation import Installation
from components.invalid_spec import InvalidSpec
from components.mlserver_runtime import mlserver_runtime
from components.model_namespace import ModelNamespace
from components.serving_config import ServingConfig
from components.serving_runtime import ServingRuntime, ServingRuntimeArgs
from components.serving_runtime_spec import ModelFormat, ServingRuntimeSpec
from components.storage import Storage
from tests.unit.stack.engine import run

_IMAGES, _ = resolve({"minio": "minio:1"})
assert _IMAGES is not None
CONFIG = ServingConfig(images=_IMAGES)
IMAGE = "registry.example/server:1"
FORMAT = ModelFormat(name="custom-model", version="1")


def installation(config: ServingConfig = CONFIG, **changes: Any) -> Installation:
    """Only inside a program: it has Outputs."""
    values: dict[str, Any] = {
        "cluster": Cluster(kubeconfig="/nowhere", context="none"),
        "namespace_name": "modelmesh-serving",
        "model_namespaces": ("models", "more-models"),
        "config": config,
        "namespace": pulumi.Output.from_input("modelmesh-serving"),
        "admitting": pulumi.Output.from_input("modelmesh-serving"),
    }
    return Installation(**(values | changes))


class Place:
    """What a runtime wants of a ModelNamespace."""

    def __init__(self, name: str, made: Installation, storage: Mapping[str, Storage]) -> None:
        self.namespace_name, self.installation, self.storage = name, made, storage
        self.namespace = self.ready = pulumi.Output.from_input(name)


def place(
    name: str = "models", *, config: ServingConfig = CONFIG, storage: Mapping[str, Storage] | None = None
) -> ModelNamespace:
    return cast("ModelNamespace", Place(name, installation(config), storage or {}))


def container(**changes: Any) -> ContainerArgs:
    """A server's container, with these fields instead of or beside the usual ones."""
    resources = ResourceRequirementsArgs(requests={"cpu": "1", "memory": "1Gi"}, limits={"cpu": "1", "memory": "1Gi"})
    values: dict[str, Any] = {"name": "server", "image": IMAGE, "resources": resources}
    return ContainerArgs(**(values | changes))


def plain(*containers: ContainerArgs, **changes: Any) -> ServingRuntimeSpec:
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


def refused(
    spec: ServingRuntimeSpec,
    name: str = "custom",
    *,
    config: ServingConfig = CONFIG,
    storage: Mapping[str, Storage] | None = None,
    **fields: Any,
) -> list[str]:
    """Why a ServingRuntime of this spec is refused; empty when it is made. Nothing is made when it is refused."""
    problems: list[str] = []

    def program() -> None:
        where = place(config=config, storage=storage)
        try:
            ServingRuntime("runtime", ServingRuntimeArgs(namespace=where, runtime_name=name, spec=spec, **fields))
        except InvalidSpec as problem:
            problems.extend(problem.problems)

    assert bool(run(program).resources) is not bool(problems), "nothing may be registered before all was checked"
    return problems
