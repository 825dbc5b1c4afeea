"""Common parts of the stack's stores: one pod at a time with one disk, behind a Service.

A StatefulSet never runs two pods at once, not even when a node is lost: two independent stores must never answer
together. Without `Persistence` the disk is an `emptyDir`, which survives its containers but not its pod. With it the
disk is a claim of the stack, which survives pods and nodes and is deleted with the stack.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet, StatefulSetSpecArgs
from pulumi_kubernetes.core import v1
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from ..core.names_and_quantities import duplicate_problems, quantity_problems, subdomain_problems
from ..core.pods import pod_security
from ..core.problem import ROOT, Problem

DISK = "/data"
"""Mount path of the disk. Stores use a folder in it, since the root of a new disk may contain a `lost+found`."""
DISK_MOUNT = v1.VolumeMountArgs(name="data", mount_path=DISK)
_CHECKSUM = "checksum/configuration"
_NOT_AWAITED = {"pulumi.com/skipAwait": "true"}


@dataclass(frozen=True, kw_only=True)
class Persistence:
    """A disk that outlives its pod."""

    size: str = "1Gi"
    """Size as a quantity. It can grow if the storage class allows that, and never shrink."""
    storage_class: str | None = None
    """Storage class; None means the cluster's default. A changed class replaces the claim by an empty one."""
    protect: bool = False
    """Refuse to delete or replace the claim."""

    def problems(self) -> Iterator[Problem]:
        """Checks the fields."""
        yield from quantity_problems(ROOT / "size", self.size)
        if self.storage_class is not None:
            yield from subdomain_problems(ROOT / "storage_class", self.storage_class)


def pull_secret_problems(names: Sequence[str]) -> Iterator[Problem]:
    """Checks the names of image pull secrets, which the field `image_pull_secrets` holds."""
    path = ROOT / "image_pull_secrets"
    for index, name in enumerate(names):
        yield from subdomain_problems(path / index, name)
    yield from duplicate_problems(path, names)


def liveness_probe(path: str, port: str) -> v1.ProbeArgs:
    """Probe of a store, which is restarted after a minute without an answer."""
    get = v1.HTTPGetActionArgs(path=path, port=port)
    return v1.ProbeArgs(http_get=get, period_seconds=10, timeout_seconds=5, failure_threshold=6)


def stateful_set(
    name: str,
    *,
    app: str,
    namespace: pulumi.Input[str],
    container: v1.ContainerArgs,
    port: v1.ServicePortArgs,
    persistence: Persistence | None,
    child: pulumi.ResourceOptions,
    volumes: Sequence[v1.VolumeArgs] = (),
    image_pull_secrets: Sequence[str] = (),
    restarted_by: pulumi.Input[str] | None = None,
) -> pulumi.Output[str]:
    """Create a StatefulSet and its Service, both called `app`, and with `persistence` a claim for the disk.

    The container has to mount `DISK_MOUNT`. A new value of `restarted_by`, which is not secret, restarts the pod.

    Returns:
        `app`, once the Service exists and its pod is ready.
    """
    labels = {"app": app}
    disk = v1.VolumeArgs(name="data", empty_dir=v1.EmptyDirVolumeSourceArgs())
    if persistence:
        claim = v1.PersistentVolumeClaimVolumeSourceArgs(claim_name=_claim(name, app, namespace, persistence, child))
        disk = v1.VolumeArgs(name="data", persistent_volume_claim=claim)
    pod = StatefulSet(
        name,
        metadata=ObjectMetaArgs(name=app, namespace=namespace, labels=labels),
        spec=StatefulSetSpecArgs(
            replicas=1,
            service_name=app,
            # It is about order between pods, and there is one; but by default a pod that never got ready, say by a
            # wrong image, keeps the corrected one from taking its place.
            pod_management_policy="Parallel",
            selector=LabelSelectorArgs(match_labels=labels),
            template=v1.PodTemplateSpecArgs(
                metadata=ObjectMetaArgs(
                    labels=labels, annotations={_CHECKSUM: restarted_by} if restarted_by is not None else None
                ),
                spec=v1.PodSpecArgs(
                    automount_service_account_token=False,
                    image_pull_secrets=[v1.LocalObjectReferenceArgs(name=each) for each in image_pull_secrets] or None,
                    # A disk's owner is set once and not for each of its files at every start.
                    security_context=pod_security(fs_group_change_policy="OnRootMismatch"),
                    containers=[container],
                    volumes=[disk, *volumes],
                ),
            ),
        ),
        opts=child,
    )
    service = v1.Service(
        name,
        # Its endpoint is the pod, which is awaited; Pulumi would notice it seconds later.
        metadata=ObjectMetaArgs(name=app, namespace=namespace, labels=labels, annotations=_NOT_AWAITED),
        spec=v1.ServiceSpecArgs(selector=labels, ports=[port]),
        opts=child,
    )
    return pulumi.Output.all(pod.urn, service.urn).apply(lambda _: app)


def _claim(
    name: str,
    app: str,
    namespace: pulumi.Input[str],
    persistence: Persistence,
    child: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Create the claim of a disk, with the storage class in its name.

    The class of a claim is immutable. With another name a new claim is created, the pod moves, and the old claim is
    deleted; under the same name the old one would be deleted first, which its running pod prevents.
    """
    claim_name = f"{app}-data" + (f"-{persistence.storage_class}" if persistence.storage_class is not None else "")
    claim = v1.PersistentVolumeClaim(
        f"{name}-data",
        # Many classes bind a claim when its pod comes, which Pulumi must not wait for: the pod comes after the claim.
        metadata=ObjectMetaArgs(name=claim_name, namespace=namespace, labels={"app": app}, annotations=_NOT_AWAITED),
        spec=v1.PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            resources=v1.VolumeResourceRequirementsArgs(requests={"storage": persistence.size}),
            storage_class_name=persistence.storage_class,
        ),
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=persistence.protect or None)),
    )
    return claim.metadata.apply(lambda made: str(made.name))
