"""The frame of the stack's own stores: one pod at a time, on a disk of its own, behind a Service.

A StatefulSet, because it never runs two pods at once, not even when a node is lost: two stores that do not know each
other must never answer together. Without `Persistence` the disk is an `emptyDir`, which outlives a container but not
its pod. With it the disk is a claim that the stack owns: it survives pods and nodes, and goes when the stack does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.names_and_quantities import duplicate_problems, quantity_problems, subdomain_problems
from ..core.pods import pod_security

DISK = "/data"
"""Where the disk is mounted. Stores use a folder in it: a new disk's own root may hold a `lost+found`."""


@dataclass(frozen=True, kw_only=True)
class Persistence:
    """A disk that outlives its pod."""

    size: str = "1Gi"
    """A quantity. It can grow where the class allows that, and never shrink; the cluster refuses what cannot be."""
    storage_class: str | None = None
    """None: the cluster's default class. Another class is another, empty disk: the preview shows a replaced claim."""

    protect: bool = False
    """Pulumi refuses to delete the claim as long as this is so, also for the claim of another class."""

    def problems(self, path: str = "persistence") -> Iterator[str]:
        """What no claim can be made of."""
        yield from quantity_problems(f"{path}.size", self.size)
        if self.storage_class is not None:
            yield from subdomain_problems(f"{path}.storage_class", self.storage_class)


def pull_secret_problems(names: Sequence[str]) -> Iterator[str]:
    """What no Secret can be called, or is called twice."""
    for index, name in enumerate(names):
        yield from subdomain_problems(f"image_pull_secrets[{index}]", name)
    yield from duplicate_problems("image_pull_secrets", names)


def stateful_set(
    name: str,
    *,
    namespace: pulumi.Input[str],
    container: Mapping[str, Any],
    persistence: Persistence | None,
    child: pulumi.ResourceOptions,
    volumes: Sequence[Mapping[str, Any]] = (),
    image_pull_secrets: Sequence[str] = (),
) -> None:
    """Makes the resources. Everything is called like the container, whose only port the Service offers."""
    app, (port,) = container["name"], container["ports"]
    labels = {"app": app}
    metadata = {"name": app, "namespace": namespace, "labels": labels}
    disk: dict[str, Any] = {"emptyDir": {}}
    if persistence:
        disk = {"persistentVolumeClaim": {"claimName": _claim(name, metadata, persistence, child)}}
    mounts = [{"name": "data", "mountPath": DISK}, *container.get("volumeMounts", ())]
    kubernetes.apps.v1.StatefulSet(
        name,
        metadata=metadata,
        spec={
            "replicas": 1,
            "serviceName": app,
            # It is about order between pods, and there is one; but by default a pod that never got ready, say by a
            # wrong image, keeps the mended one from taking its place.
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "automountServiceAccountToken": False,
                    **({"imagePullSecrets": pull} if (pull := [{"name": each} for each in image_pull_secrets]) else {}),
                    # A disk's owner is set once and not for each of its files at every start.
                    "securityContext": {**pod_security(), "fsGroupChangePolicy": "OnRootMismatch"},
                    "containers": [{**container, "volumeMounts": mounts}],
                    "volumes": [{"name": "data", **disk}, *volumes],
                },
            },
        },
        opts=child,
    )
    kubernetes.core.v1.Service(
        name,
        # Its endpoint is the pod, which is awaited; Pulumi would tell of it seconds later.
        metadata={**metadata, "annotations": {"pulumi.com/skipAwait": "true"}},
        spec={
            "selector": labels,
            "ports": [{"name": port["name"], "port": port["containerPort"], "targetPort": port["name"]}],
        },
        opts=child,
    )


def _claim(
    name: str, metadata: Mapping[str, Any], persistence: Persistence, child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """A claim cannot change its class. With the class in its name a new one is made, the pod moves, the old one goes;
    under one name the old one would have to go first, which it never does while its pod lives.
    """
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": persistence.size}}}
    claim_name = f"{metadata['name']}-data"
    if persistence.storage_class is not None:
        spec["storageClassName"] = persistence.storage_class
        claim_name += f"-{persistence.storage_class}"
    claim = kubernetes.core.v1.PersistentVolumeClaim(
        f"{name}-data",
        # Many classes bind a claim when its pod comes, which Pulumi must not wait for: the pod comes after the claim.
        metadata={**metadata, "name": claim_name, "annotations": {"pulumi.com/skipAwait": "true"}},
        spec=spec,
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=persistence.protect or None)),
    )
    return claim.metadata.apply(lambda made: str(made.name))
