"""The Job that applies one part of many InferenceServices, and the rights that all these Jobs have.

If the number of parts changes, all Jobs and ConfigMaps are deleted before the first of the new ones is created.
Otherwise the Jobs of an update that was killed could have changed services of a Job that the next update leaves as it
is. The order is that of the RoleBinding, which has another name for another number of parts: a resource that is deleted
before it is replaced takes those with it that have an input from it.
"""

import hashlib
import json
from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core import v1
from pulumi_kubernetes.rbac.v1 import Role, RoleBinding

from ..core.annotations import PREFIX
from ..core.jobs import job, kubectl_container
from ..installation.serving_config import ServingConfig
from .parts import Part


def rights_of_jobs(name: str, *, namespace: pulumi.Input[str], jobs: int, child: pulumi.ResourceOptions) -> RoleBinding:
    """Create the role of the ServiceAccount `name` and its binding, of which the Jobs are to take the namespace."""
    role = Role(
        name,
        metadata={"name": name, "namespace": namespace},
        rules=[
            {
                "apiGroups": [PREFIX.rstrip("/")],
                "resources": ["inferenceservices"],
                "verbs": ["get", "list", "create", "patch", "delete"],
            },
            # Who may not delete an account may not make it wait for others either, where that is enforced.
            {
                "apiGroups": [""],
                "resources": ["serviceaccounts/finalizers"],
                "resourceNames": [name],
                "verbs": ["update"],
            },
        ],
        opts=child,
    )
    return RoleBinding(
        name,
        metadata={"name": f"{name}-{jobs}", "namespace": namespace},
        role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
        subjects=[{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(delete_before_replace=True)),
    )


def applied_part(
    name: str,
    part: Part,
    *,
    label: Mapping[str, str],
    files: pulumi.Output[dict[str, str]],
    config: ServingConfig,
    allowed: RoleBinding,
    child: pulumi.ResourceOptions,
) -> Job:
    """Create the ConfigMap of a part and the Job that applies it.

    Args:
        name: Name of all services as one, and of the ServiceAccount.
        part: The part of them.
        label: Label of all of them, of their ConfigMaps and of their Jobs.
        files: The services of the part, as files.
        config: That of the installation, with the image of kubectl.
        allowed: Binding of the rights that the Job needs.
        child: Options of both resources.
    """
    numbered = f"{name}-{part.number}" if part.number else name
    declared = v1.ConfigMap(
        numbered,
        metadata={"name": numbered, "namespace": allowed.metadata.namespace, "labels": dict(label)},
        data=files,
        opts=child,
    )
    ((key, value),) = label.items()
    selector = f"{key}={value}{part.selector}"
    apply = ["apply", "--filename=/services", "--prune", f"--prune-allowlist={PREFIX}v1beta1/InferenceService"]
    # kubectl takes an empty folder for a mistake.
    command = apply if part.services else ["delete", "inferenceservices", "--wait=false"]
    return job(
        numbered,
        namespace=declared.metadata.namespace,
        job_name=files.apply(lambda known: f"{name}-{_digest(selector, known)[:12]}"),
        labels=label,
        # Its progress is that of the services, which the component waits for and shows as one line.
        annotations={"pulumi.com/skipAwait": "true"},
        service_account=name,
        image_pull_secrets=[secret.name for secret in config.image_pull_secrets],
        containers=[
            kubectl_container(
                "apply",
                str(config.images.kubectl),
                [*command, allowed.metadata.namespace.apply("--namespace={}".format), f"--selector={selector}"],
                volume_mounts=[v1.VolumeMountArgs(name="services", mount_path="/services", read_only=True)],
                requests={"cpu": "50m", "memory": "64Mi"},
                limits={"cpu": "1", "memory": "512Mi"},
            )
        ],
        volumes=[v1.VolumeArgs(name="services", config_map=v1.ConfigMapVolumeSourceArgs(name=declared.metadata.name))],
        # A Job of the same name that has run would be taken for the new one, and then deleted.
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(delete_before_replace=True)),
    )


def _digest(selector: str, files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps([selector, files], sort_keys=True).encode()).hexdigest()
