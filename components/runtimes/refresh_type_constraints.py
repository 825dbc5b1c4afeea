"""Makes running mesh pods learn the model types of a new runtime as soon as the controller has published them.

ModelMesh Serving's controller writes the types of all runtimes into one ConfigMap that every mesh pod mounts, and a
mesh pod refuses a model whose type is not in it. Kubelet updates the mounts of a running pod about every minute, but at
once when the pod object changes. So a Job waits until the controller has published the types, and then changes an
annotation of the pods. No pod restarts, and requests are not affected.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core import v1

from ..core.component import Component
from ..core.jobs import job, kubectl_container
from ..core.names_and_quantities import object_name
from ..installation.declared_runtime import DeclaredRuntime
from ..installation.serving_config import ServingConfig

ANNOTATION = "modelmesh.pulumi.com/constraints-seen"
_POD = "POD"
"""Variable with the name of the Job's pod, as the annotation's value: it has to differ from the one before."""


@dataclass(frozen=True, kw_only=True)
class RefreshTypeConstraintsArgs:
    """Arguments of RefreshTypeConstraints: one runtime in one namespace."""

    runtime: DeclaredRuntime
    namespace: pulumi.Input[str]
    """Resolves after the runtime has been created."""
    account: pulumi.Input[str]
    """The namespace's `constraints_account`, which may patch its mesh pods."""
    config: ServingConfig
    """The configuration of the installation."""
    ready_timeout_seconds: float
    """Time for the controller to publish the runtime's types."""


class RefreshTypeConstraints(Component):
    """A Job that refreshes the type constraints in running mesh pods."""

    done: pulumi.Output[str]
    """Name of the Job; resolves after all mesh pods have the new types."""

    def __init__(self, name: str, args: RefreshTypeConstraintsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:ConstraintsSeen", name, {}, opts)
        refreshed = _job(name, args, pulumi.ResourceOptions(parent=self))
        self.done = refreshed.metadata.apply(lambda made: str(made.name))
        self.register_outputs({"done": self.done})


def _job(name: str, args: RefreshTypeConstraintsArgs, opts: pulumi.ResourceOptions) -> kubernetes.batch.v1.Job:
    config = args.config
    deployment = f"deployment/{config.service_name}-{args.runtime.name}"
    timeout = f"--timeout={args.ready_timeout_seconds:.0f}s"
    # The controller writes the ConfigMap before the Deployment, which has the types as labels of its mesh.
    found = '{.spec.template.spec.containers[?(@.name=="mm")].env[?(@.name=="MM_LABELS")].value}'
    types = ",".join(labels(args.runtime, rest_proxy=config.rest_proxy.enabled))
    pods = f"--selector=modelmesh-service={config.service_name}"
    # Pulumi generates the Job's name, so that other types replace the Job, whose template cannot be changed.
    return job(
        object_name(name),
        namespace=args.namespace,
        service_account=args.account,
        image_pull_secrets=[secret.name for secret in config.image_pull_secrets],
        # The image has no shell, so init containers run the commands one after the other.
        init_containers=[
            _kubectl("made", ["wait", deployment, "--for=create", timeout], config),
            _kubectl("taken-up", ["wait", deployment, f"--for=jsonpath={found}={types}", timeout], config),
        ],
        containers=[_kubectl("show", ["annotate", "pods", pods, "--overwrite", f"{ANNOTATION}=$({_POD})"], config)],
        deadline_seconds=int(2 * args.ready_timeout_seconds),
        opts=opts,
    )


def labels(runtime: DeclaredRuntime, *, rest_proxy: bool) -> list[str]:
    """The runtime's model types and its name, in the order in which the controller writes them."""
    formats = {f"mt:{name}" for name, _ in runtime.formats}
    versions = {f"mt:{name}:{version}" for name, version in runtime.formats if version is not None}
    protocols = {f"pv:{protocol}" for protocol in runtime.protocols(rest_proxy=rest_proxy)}
    return sorted({*formats, *versions, *protocols, f"rt:{runtime.name}"})


def _kubectl(name: str, arguments: list[str], config: ServingConfig) -> v1.ContainerArgs:
    pod_name = v1.EnvVarSourceArgs(field_ref=v1.ObjectFieldSelectorArgs(field_path="metadata.name"))
    return kubectl_container(
        name,
        str(config.images.kubectl),
        arguments,
        env=[v1.EnvVarArgs(name=_POD, value_from=pod_name)],
        requests={"cpu": "10m", "memory": "32Mi"},
        limits={"cpu": "1", "memory": "256Mi"},
    )
