"""Spec of a runtime for a custom MLServer image, with all values on which MLServer and ModelMesh have to agree.

`dataclasses.replace` sets fields of the returned spec for which the function has no argument.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import pulumi
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    EmptyDirVolumeSourceArgs,
    EnvVarArgs,
    ResourceRequirementsArgs,
    VolumeArgs,
    VolumeMountArgs,
)

from ..core.mesh_pod import ADAPTER_PORT
from ..core.names_and_quantities import MIB, quantity_problems
from ..core.pods import USER, container_security
from ..core.problem import FieldPath, Problem, raise_if_invalid
from .memory_plan import ADAPTER_EXPANSION, MemoryPlan
from .serving_runtime_spec import Autoscaling, BuiltInAdapter, ModelFormat, ServingRuntimeSpec

_GRPC_PORT = 8001
_ENVIRONMENT = {
    "MLSERVER_MODELS_DIR": "/models/_mlserver_models/",
    "MLSERVER_GRPC_PORT": str(_GRPC_PORT),
    "MLSERVER_HTTP_PORT": "8002",  # The default, 8080, is the mesh's.
    "MLSERVER_LOAD_MODELS_AT_STARTUP": "false",
    "MLSERVER_MODEL_NAME": "dummy-model",  # MLServer cannot list models while it has none.
    "MLSERVER_HOST": "127.0.0.1",  # Only the mesh and the adapter, in the same pod, need it.
    "MLSERVER_GRPC_MAX_MESSAGE_LENGTH": "-1",  # The mesh sets the limit.
    "MLSERVER_METRICS_DIR": "/tmp/metrics",  # noqa: S108  the default, the working directory, is read-only
    "MLSERVER_ENVIRONMENTS_DIR": "/tmp/environments",  # noqa: S108  the default is read-only
}
_ADAPTERS_OWN_FORMATS = ("lightgbm", "mllib", "sklearn", "xgboost")
"""Formats, in any case, for which the MLServer adapter selects MLServer's implementation instead of a custom one."""
_EMPTY: Mapping[str, pulumi.Input[str]] = MappingProxyType({})


def mlserver_runtime(
    *,
    image: pulumi.Input[str],
    formats: Sequence[ModelFormat],
    cpu_request: str = "500m",
    cpu_limit: str = "5",
    memory: str | None = None,
    memory_buffer_bytes: int | None = None,
    load_timeout_seconds: float | None = None,
    plan: MemoryPlan | None = None,
    environment: Mapping[str, pulumi.Input[str]] = _EMPTY,
    replicas: int | None = None,
    autoscaling: Autoscaling | None = None,
) -> ServingRuntimeSpec:
    """Return the spec for an image whose MLServer implements these formats.

    Defaults: a memory request and limit of 1Gi, 128 MiB of it for MLServer itself, and 90 s for loading a model. `plan`
    sets all three.

    Raises:
        InvalidSpecError: A value cannot work with MLServer or its adapter.
    """
    sizes = {
        "memory": memory,
        "memory_buffer_bytes": memory_buffer_bytes,
        "load_timeout_seconds": load_timeout_seconds,
    }
    quantities = {"cpu_request": cpu_request, "cpu_limit": cpu_limit, "memory": memory or "1Gi"}
    problems = [
        *(problem for name, value in quantities.items() for problem in quantity_problems(FieldPath(name), value)),
        *_format_problems(formats),
        *_environment_problems(environment),
        *_plan_problems(plan, sizes),
    ]
    raise_if_invalid("MLServer runtime for", ", ".join(model_format.name for model_format in formats), problems)
    if plan is not None:
        memory, memory_buffer_bytes = plan.memory, plan.memory_buffer_bytes
        load_timeout_seconds = plan.load_timeout_seconds
    memory = memory or "1Gi"
    tuning = {}
    if plan is not None and plan.model_size_multiplier != ADAPTER_EXPANSION:
        tuning["MODELSIZE_MULTIPLIER"] = f"{plan.model_size_multiplier:g}"
    container = ContainerArgs(
        name="mlserver",
        image=image,
        env=[EnvVarArgs(name=key, value=value) for key, value in {**_ENVIRONMENT, **environment}.items()],
        resources=ResourceRequirementsArgs(
            requests={"cpu": cpu_request, "memory": memory}, limits={"cpu": cpu_limit, "memory": memory}
        ),
        security_context=container_security(user=USER),
        volume_mounts=[VolumeMountArgs(name="tmp", mount_path="/tmp")],  # noqa: S108  a mount point
    )
    return ServingRuntimeSpec(
        containers=[container],
        supported_model_formats=formats,
        protocol_versions=["grpc-v2"],
        grpc_endpoint=f"port:{ADAPTER_PORT}",
        grpc_data_endpoint=f"port:{_GRPC_PORT}",
        built_in_adapter=BuiltInAdapter(
            server_type="mlserver",
            runtime_management_port=_GRPC_PORT,
            memory_buffer_bytes=128 * MIB if memory_buffer_bytes is None else memory_buffer_bytes,
            load_timeout_seconds=90 if load_timeout_seconds is None else load_timeout_seconds,
            environment=[EnvVarArgs(name=key, value=value) for key, value in tuning.items()],
        ),
        volumes=[VolumeArgs(name="tmp", empty_dir=EmptyDirVolumeSourceArgs())],
        replicas=replicas,
        autoscaling=autoscaling,
        memory_plan=plan,
    )


def _format_problems(formats: Sequence[ModelFormat]) -> Iterator[Problem]:
    path = FieldPath("formats")
    if not formats:
        yield Problem(path, [], "the formats that the image serves")
    for index, model_format in enumerate(formats):
        if model_format.name.lower() in _ADAPTERS_OWN_FORMATS:
            expected = (
                f"another name than {', '.join(_ADAPTERS_OWN_FORMATS)}, for which the MLServer adapter loads "
                "MLServer's own class instead of a custom one"
            )
            yield Problem(path / index / "name", model_format.name, expected)


def _environment_problems(environment: Mapping[str, object]) -> Iterator[Problem]:
    for key, value in environment.items():
        if key in _ENVIRONMENT:
            yield Problem(FieldPath("environment", key), value, f"none: ModelMesh needs {_ENVIRONMENT[key]!r}")


def _plan_problems(plan: MemoryPlan | None, sizes: Mapping[str, object]) -> Iterator[Problem]:
    if plan is None:
        return
    yield from plan.problems()
    for name, value in sizes.items():
        if value is not None:
            yield Problem(FieldPath(name), value, "none together with plan, which sets it")
