"""Shows the mesh pods of a namespace which types of model a new runtime takes, as soon as that is known.

ModelMesh Serving's controller writes the types of all runtimes into one ConfigMap, which every mesh pod has mounted,
and refuses a model whose type the pod that it asks has not heard of. kubelet looks at a running pod's mounts once in a
minute or more; but at once, when somebody has touched the pod. So a Job waits until the controller has taken up the
runtime, and puts an annotation on the pods. That restarts none of them, and no call notices.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.names_and_quantities import object_name
from ..core.pods import container_security, pod_security
from ..core.rendering import document
from ..installation.declared_runtime import DeclaredRuntime
from ..installation.serving_config import ServingConfig

ANNOTATION = "modelmesh.pulumi.com/constraints-seen"
_POD = "POD"
"""The variable with the name of the Job's pod, which is new each time: a value that is there touches nothing."""
_RETRIES = 3


@dataclass(frozen=True, kw_only=True)
class RefreshTypeConstraintsArgs:
    """One runtime in one namespace."""

    runtime: DeclaredRuntime
    namespace: pulumi.Input[str]
    """By way of the runtime, which has to be made first."""
    account: pulumi.Input[str]
    """The namespace's `constraints_account`, which may patch its mesh pods."""
    config: ServingConfig
    """The installation's."""
    ready_timeout_seconds: float
    """For the controller to take up the runtime."""


class RefreshTypeConstraints(pulumi.ComponentResource):
    """The Job."""

    done: pulumi.Output[str]
    """Resolves when all mesh pods have been shown."""

    def __init__(self, name: str, args: RefreshTypeConstraintsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:ConstraintsSeen", name, {}, opts)
        # Pulumi makes up the name: for other types another Job, as what a Job does cannot be changed.
        metadata = {"namespace": args.namespace}
        job = kubernetes.batch.v1.Job(
            object_name(name), metadata=metadata, spec=_job(args), opts=pulumi.ResourceOptions(parent=self)
        )
        self.done = job.metadata.apply(lambda made: str(made.name))
        self.register_outputs({"done": self.done})


def _job(args: RefreshTypeConstraintsArgs) -> dict[str, Any]:
    config, name = args.config, args.runtime.name
    deployment = f"deployment/{config.service_name}-{name}"
    timeout = f"--timeout={args.ready_timeout_seconds:.0f}s"
    # The controller writes the ConfigMap before the Deployment, which has the types as labels of its mesh.
    found = '{.spec.template.spec.containers[?(@.name=="mm")].env[?(@.name=="MM_LABELS")].value}'
    types = ",".join(labels(args.runtime, rest_proxy=config.rest_proxy.enabled))
    pods = f"--selector=modelmesh-service={config.service_name}"
    pod = {
        "restartPolicy": "Never",  # a failed pod stays, with its log
        "serviceAccountName": args.account,
        "imagePullSecrets": [{"name": secret.name} for secret in config.image_pull_secrets] or None,
        "securityContext": pod_security(),
        # One after the other: the image has no shell.
        "initContainers": [
            _kubectl("made", ["wait", deployment, "--for=create", timeout], config),
            _kubectl("taken-up", ["wait", deployment, f"--for=jsonpath={found}={types}", timeout], config),
        ],
        "containers": [_kubectl("show", ["annotate", "pods", pods, "--overwrite", f"{ANNOTATION}=$({_POD})"], config)],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    deadline = int(2 * args.ready_timeout_seconds)
    spec: dict[str, Any] = document(
        {"backoffLimit": _RETRIES, "activeDeadlineSeconds": deadline, "template": {"spec": pod}}
    )
    return spec


def labels(runtime: DeclaredRuntime, *, rest_proxy: bool) -> list[str]:
    """The types of model that it takes, and its name, in the order in which the controller writes them."""
    formats = {f"mt:{name}" for name, _ in runtime.formats}
    versions = {f"mt:{name}:{version}" for name, version in runtime.formats if version is not None}
    protocols = {f"pv:{protocol}" for protocol in runtime.protocols(rest_proxy=rest_proxy)}
    return sorted({*formats, *versions, *protocols, f"rt:{runtime.name}"})


def _kubectl(name: str, arguments: list[str], config: ServingConfig) -> dict[str, Any]:
    return {
        "name": name,
        "image": str(config.images.kubectl),
        "command": ["kubectl", *arguments],
        "env": [
            {"name": "HOME", "value": "/tmp"},  # noqa: S108  a mount point: kubectl keeps what it discovers there
            {"name": _POD, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
        "securityContext": container_security(),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  likewise
    }
