"""Spec of a runtime for a custom MLServer image, with all values on which MLServer and ModelMesh have to agree.

`dataclasses.replace` sets fields of the returned spec for which the function has no argument.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pulumi
from pulumi_kubernetes.core import v1

from ..core.mesh_pod import ADAPTER_PORT
from ..core.names_and_quantities import (
    MIB,
    is_subdomain,
    quantity,
    quantity_problems,
    secret_key_problems,
    subdomain_problems,
)
from ..core.pods import USER, container_security
from ..core.problem import HIDDEN, FieldPath, Problem, raise_if_invalid
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
    "MLSERVER_METRICS_DIR": "/tmp/metrics",  # noqa: S108  the default, the working directory, is read-only
    "MLSERVER_ENVIRONMENTS_DIR": "/tmp/environments",  # noqa: S108  the default is read-only
}
_ADAPTERS_OWN_FORMATS = ("lightgbm", "mllib", "sklearn", "xgboost")
"""Formats, in any case, for which the MLServer adapter selects MLServer's implementation instead of a custom one."""
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class SecretKey:
    """The value of a variable: a key of a Secret that exists in the runtime's namespace."""

    secret: str
    key: str

    def problems(self, path: FieldPath) -> Iterator[Problem]:
        """Checks both names."""
        yield from subdomain_problems(path / "secret", self.secret)
        yield from secret_key_problems(path / "key", self.key)


def mlserver_runtime(
    *,
    image: pulumi.Input[str],
    formats: Sequence[ModelFormat],
    cpu_request: str = "500m",
    cpu_limit: str = "5",
    memory: str | None = None,
    memory_buffer_bytes: int | None = None,
    load_timeout_seconds: float | None = None,
    max_message_bytes: int | None = None,
    plan: MemoryPlan | None = None,
    environment: Mapping[str, pulumi.Input[str] | SecretKey] = _EMPTY,
    gpus: Mapping[str, int] = _EMPTY,
    shared_memory: str | None = None,
    node_selector: Mapping[str, str] = _EMPTY,
    tolerations: Sequence[v1.TolerationArgs] = (),
    replicas: int | None = None,
    autoscaling: Autoscaling | None = None,
) -> ServingRuntimeSpec:
    """Return the spec for an image whose MLServer implements these formats.

    Defaults: a memory request and limit of 1Gi, 128 MiB of it for MLServer itself, 90 s for loading a model, and the 64
    MiB of shared memory that all containers have. `plan` sets all four, and `max_message_bytes`.

    Args:
        image: Image of the model server, by digest.
        formats: Model formats of its class.
        cpu_request: CPU request of the container.
        cpu_limit: CPU limit of the container.
        memory: Memory request and limit of the container.
        memory_buffer_bytes: Memory of MLServer itself.
        load_timeout_seconds: Timeout for loading one model.
        max_message_bytes: Limit of requests, as in the installation's `max_message_bytes`; None: only the mesh has one.
        plan: Calculates the sizes from those of the models.
        environment: Variables of the container, with values or references to keys of Secrets.
        gpus: Number of devices by the resource's name, like `{"nvidia.com/gpu": 1}`.
        shared_memory: Size of /dev/shm, through which processes exchange tensors; it is part of the memory.
        node_selector: Labels that the nodes must have.
        tolerations: Taints that the nodes may have.
        replicas: Number of pods.
        autoscaling: Bounds for a variable number of pods.

    Raises:
        InvalidSpecError: A value cannot work with MLServer or its adapter.
    """
    sizes = {
        "memory": memory,
        "memory_buffer_bytes": memory_buffer_bytes,
        "load_timeout_seconds": load_timeout_seconds,
        "max_message_bytes": max_message_bytes,
        "shared_memory": shared_memory,
    }
    quantities = {"cpu_request": cpu_request, "cpu_limit": cpu_limit, "memory": memory or "1Gi"}
    quantities |= {"shared_memory": shared_memory} if shared_memory is not None else {}
    problems = [
        *(problem for name, value in quantities.items() for problem in quantity_problems(FieldPath(name), value)),
        *_format_problems(formats),
        *_environment_problems(environment),
        *_gpu_problems(gpus),
        *_plan_problems(plan, sizes),
    ]
    raise_if_invalid("MLServer runtime for", ", ".join(model_format.name for model_format in formats), problems)
    if plan is not None:
        memory, memory_buffer_bytes = plan.memory, plan.memory_buffer_bytes
        load_timeout_seconds, shared_bytes = plan.load_timeout_seconds, plan.shared_memory_bytes
        max_message_bytes = plan.max_message_bytes
    else:
        shared_bytes = int(quantity(shared_memory) or 0)
        memory_buffer_bytes = (128 * MIB if memory_buffer_bytes is None else memory_buffer_bytes) + shared_bytes
    memory = memory or "1Gi"
    limit = {"MLSERVER_GRPC_MAX_MESSAGE_LENGTH": "-1" if max_message_bytes is None else str(max_message_bytes)}
    devices = {name: str(count) for name, count in gpus.items()}
    tuning = {}
    if plan is not None and plan.model_size_multiplier != ADAPTER_EXPANSION:
        tuning["MODELSIZE_MULTIPLIER"] = f"{plan.model_size_multiplier:g}"
    volumes = [v1.VolumeArgs(name="tmp", empty_dir=v1.EmptyDirVolumeSourceArgs())]
    mounts = {"tmp": "/tmp"}  # noqa: S108  a mount point
    if shared_bytes:
        shared = v1.EmptyDirVolumeSourceArgs(medium="Memory", size_limit=str(shared_bytes))
        volumes.append(v1.VolumeArgs(name="shared-memory", empty_dir=shared))
        mounts["shared-memory"] = "/dev/shm"  # noqa: S108  a mount point
    container = v1.ContainerArgs(
        name="mlserver",
        image=image,
        env=[_variable(name, value) for name, value in {**_ENVIRONMENT, **limit, **environment}.items()],
        resources=v1.ResourceRequirementsArgs(
            requests={"cpu": cpu_request, "memory": memory, **devices},
            limits={"cpu": cpu_limit, "memory": memory, **devices},
        ),
        security_context=container_security(user=USER),
        volume_mounts=[v1.VolumeMountArgs(name=name, mount_path=path) for name, path in mounts.items()],
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
            memory_buffer_bytes=memory_buffer_bytes,
            load_timeout_seconds=90 if load_timeout_seconds is None else load_timeout_seconds,
            environment=[v1.EnvVarArgs(name=key, value=value) for key, value in tuning.items()],
        ),
        volumes=volumes,
        node_selector=node_selector,
        tolerations=tolerations,
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


def _variable(name: str, value: pulumi.Input[str] | SecretKey) -> v1.EnvVarArgs:
    if not isinstance(value, SecretKey):
        return v1.EnvVarArgs(name=name, value=value)
    reference = v1.SecretKeySelectorArgs(name=value.secret, key=value.key)
    return v1.EnvVarArgs(name=name, value_from=v1.EnvVarSourceArgs(secret_key_ref=reference))


def _environment_problems(environment: Mapping[str, object]) -> Iterator[Problem]:
    for key, value in environment.items():
        path = FieldPath("environment", key)
        if key in _ENVIRONMENT:
            yield Problem(path, value, f"none: ModelMesh needs {_ENVIRONMENT[key]!r}")
        elif not _VARIABLE.fullmatch(key):
            yield Problem(path, HIDDEN, "a name of letters, digits, _, - and ., not a digit first")
        if isinstance(value, SecretKey):
            yield from value.problems(path)


def _gpu_problems(gpus: Mapping[str, int]) -> Iterator[Problem]:
    for name, count in gpus.items():
        path = FieldPath("gpus", name)
        domain, _, resource = name.partition("/")
        if not (is_subdomain(domain) and is_subdomain(resource.lower())):
            yield Problem(path, name, "the name of a device's resource, like nvidia.com/gpu")
        if count < 1:
            yield Problem(path, count, "1 or more")


def _plan_problems(plan: MemoryPlan | None, sizes: Mapping[str, object]) -> Iterator[Problem]:
    if plan is None:
        return
    yield from plan.problems()
    for name, value in sizes.items():
        if value is not None:
            yield Problem(FieldPath(name), value, "none together with plan, which sets it")
