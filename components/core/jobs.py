"""Jobs that do one step of a deployment inside the cluster, where the stores and the API server can be reached.

A Job that has failed, or that an interrupted update has left running, is replaced by the next update, whether or not
its own arguments have changed: the cause may be fixed in a Secret, in a registry, or by hand.
"""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes.batch.v1 import Job, JobSpecArgs
from pulumi_kubernetes.core import v1
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from .pods import container_security, pod_security

_RETRIES = 3
_REPLACE_UNREADY = "pulumi.com/replaceUnready"
_TMP = "/tmp"  # noqa: S108  a mount point
_SLACK_SECONDS = 60
"""Time that Pulumi waits after the Job's deadline, so that the Job's own reason is reported."""


def job_container(
    name: str,
    image: pulumi.Input[str],
    *,
    command: Sequence[pulumi.Input[str]] | None = None,
    env: Sequence[v1.EnvVarArgs] = (),
    env_from: Sequence[v1.EnvFromSourceArgs] = (),
    volume_mounts: Sequence[v1.VolumeMountArgs] = (),
    requests: Mapping[str, str],
    limits: Mapping[str, str],
) -> v1.ContainerArgs:
    """A container of a Job; it may write to `/tmp`, and the last lines of its log become the reason of its failure."""
    return v1.ContainerArgs(
        name=name,
        image=image,
        command=command,
        env=list(env),
        env_from=list(env_from) or None,
        resources=v1.ResourceRequirementsArgs(requests=dict(requests), limits=dict(limits)),
        security_context=container_security(),
        termination_message_policy="FallbackToLogsOnError",
        volume_mounts=[*volume_mounts, v1.VolumeMountArgs(name="tmp", mount_path=_TMP)],
    )


def kubectl_container(
    name: str,
    image: str,
    arguments: Sequence[pulumi.Input[str]],
    *,
    env: Sequence[v1.EnvVarArgs] = (),
    volume_mounts: Sequence[v1.VolumeMountArgs] = (),
    requests: Mapping[str, str],
    limits: Mapping[str, str],
) -> v1.ContainerArgs:
    """A container that runs one command of kubectl, which keeps what it discovers in its home directory."""
    return job_container(
        name,
        image,
        command=["kubectl", *arguments],
        env=[v1.EnvVarArgs(name="HOME", value=_TMP), *env],
        volume_mounts=volume_mounts,
        requests=requests,
        limits=limits,
    )


def job(
    name: str,
    *,
    namespace: pulumi.Input[str],
    containers: Sequence[v1.ContainerArgs],
    opts: pulumi.ResourceOptions,
    job_name: pulumi.Input[str] | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    pod_labels: Mapping[str, str] | None = None,
    init_containers: Sequence[v1.ContainerArgs] = (),
    volumes: Sequence[v1.VolumeArgs] = (),
    service_account: pulumi.Input[str] | None = None,
    image_pull_secrets: Sequence[str] = (),
    deadline_seconds: int | None = None,
    retries: int = _RETRIES,
) -> Job:
    """Makes the Job.

    Args:
        name: of the Pulumi resource.
        job_name: of the Job; by default Pulumi makes one up, and another one for each replacement.
        service_account: that kubectl uses; without one the pod has no token.
        deadline_seconds: for all attempts together, images to be pulled included; None sets no limit.
        retries: number of pods that are started after the first one has failed.
    """
    waits = None if deadline_seconds is None else f"{deadline_seconds + _SLACK_SECONDS}s"
    timeouts = pulumi.CustomTimeouts(create=waits, update=waits)
    return Job(
        name,
        metadata=ObjectMetaArgs(
            name=job_name,
            namespace=namespace,
            labels=labels,
            annotations={_REPLACE_UNREADY: "true", **(annotations or {})},
        ),
        spec=JobSpecArgs(
            backoff_limit=retries,
            active_deadline_seconds=deadline_seconds,
            template=v1.PodTemplateSpecArgs(
                metadata=ObjectMetaArgs(labels=dict(pod_labels)) if pod_labels else None,
                spec=pod_spec(
                    containers,
                    restart_policy="Never",  # a failed pod stays, with its log
                    init_containers=init_containers,
                    volumes=volumes,
                    service_account=service_account,
                    image_pull_secrets=image_pull_secrets,
                ),
            ),
        ),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(custom_timeouts=timeouts)),
    )


def pod_spec(
    containers: Sequence[v1.ContainerArgs],
    *,
    restart_policy: str | None = None,
    init_containers: Sequence[v1.ContainerArgs] = (),
    volumes: Sequence[v1.VolumeArgs] = (),
    service_account: pulumi.Input[str] | None = None,
    image_pull_secrets: Sequence[str] = (),
) -> v1.PodSpecArgs:
    """A pod of containers by `job_container`; without a service account it has no token."""
    return v1.PodSpecArgs(
        restart_policy=restart_policy,
        service_account_name=service_account,
        automount_service_account_token=None if service_account else False,
        image_pull_secrets=[v1.LocalObjectReferenceArgs(name=each) for each in image_pull_secrets] or None,
        security_context=pod_security(),
        init_containers=list(init_containers) or None,
        containers=list(containers),
        volumes=[*volumes, v1.VolumeArgs(name="tmp", empty_dir=v1.EmptyDirVolumeSourceArgs())],
    )
