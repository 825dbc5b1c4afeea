"""etcd inside the cluster: one member, which holds ModelMesh's registry of models.

Without persistence the registry outlives etcd's container, but a new pod starts with an empty one. That is enough for
development: the mesh's stand-in puts back what it serves. Upstream's mesh does not, and finds no service's model any
more; with persistence a new pod has what the last one wrote. More members, users and TLS are for an etcd of your own,
which an `EtcdConnection` names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    ContainerPortArgs,
    HTTPGetActionArgs,
    ProbeArgs,
    ResourceRequirementsArgs,
    ServicePortArgs,
)

from ..core.component import Component
from ..core.names_and_quantities import MIB, quantity
from ..core.pods import container_security
from ..core.problem import raise_if_invalid
from .etcd_connection import EtcdConnection
from .stateful_set import DISK, DISK_MOUNT, Persistence, pull_secret_problems, stateful_set

_PORT = 2379
_NAME = "etcd"
_SMALLEST_DISK_BYTES = 1024 * MIB
_EPHEMERAL_QUOTA_BYTES = 256 * MIB
_LARGEST_QUOTA_BYTES = 8192 * MIB  # what its authors recommend at most


@dataclass(frozen=True, kw_only=True)
class EtcdArgs:
    """Where it runs, from which image (`etcd` on its PATH), and the prefix of ModelMesh's keys in it."""

    namespace: pulumi.Input[str]
    image: str
    root_prefix: str
    persistence: Persistence | None = None
    image_pull_secrets: Sequence[str] = ()
    """Names of Secrets in that namespace."""


class Etcd(Component):
    """A single etcd."""

    connection: EtcdConnection
    """How to reach it, from anywhere in the cluster. Known before it answers."""

    def __init__(self, name: str, args: EtcdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # The whole name: mesh pods of other namespaces look it up, too.
        endpoint = pulumi.Output.format("http://{0}.{1}.svc:{2}", _NAME, args.namespace, _PORT)
        self.connection = EtcdConnection(endpoints=endpoint.apply(lambda url: [url]), root_prefix=args.root_prefix)
        raise_if_invalid(
            "Etcd",
            name,
            [
                *self.connection.problems(),
                *(disk_problems(args.persistence) if args.persistence else ()),
                *pull_secret_problems(args.image_pull_secrets),
            ],
        )
        super().__init__("modelmesh:index:Etcd", name, {}, opts)
        stateful_set(
            name,
            app=_NAME,
            namespace=args.namespace,
            container=_container(args),
            port=ServicePortArgs(name="client", port=_PORT, target_port="client"),
            persistence=args.persistence,
            child=pulumi.ResourceOptions(parent=self),
            image_pull_secrets=args.image_pull_secrets,
        )
        self.register_outputs({"endpoint": endpoint})


def disk_problems(persistence: Persistence, path: str = "persistence") -> Iterator[str]:
    """What etcd cannot keep its data on."""
    yield from (problems := list(persistence.problems(path)))
    if not problems and _bytes(persistence) < _SMALLEST_DISK_BYTES:
        logs = "besides its data etcd keeps logs of five times 64Mi, and needs room to tidy up"
        yield f"{path}.size: {persistence.size!r}, expected 1Gi or more: {logs}"


def _container(args: EtcdArgs) -> ContainerArgs:
    client_url = f"http://0.0.0.0:{_PORT}"
    return ContainerArgs(
        name=_NAME,
        image=args.image,
        command=["etcd", f"--data-dir={DISK}/etcd"],
        # Flags that etcd 3.4 and 3.5 both know.
        args=[
            f"--listen-client-urls={client_url}",
            f"--advertise-client-urls={client_url}",
            # Every change is kept for good by default, and mesh pods write every few seconds.
            "--auto-compaction-mode=periodic",
            "--auto-compaction-retention=1h",
            # Full is an alarm that can be read; a full disk is a crash.
            f"--quota-backend-bytes={_quota(args.persistence)}",
            # Changes since the last snapshot are held in memory: the default of 100000 does not suit the limit below.
            "--snapshot-count=10000",
        ],
        ports=[ContainerPortArgs(name="client", container_port=_PORT)],
        readiness_probe=ProbeArgs(http_get=HTTPGetActionArgs(path="/health", port="client"), period_seconds=1),
        # A restarted container finds its disk again, also an ephemeral one. It would not make a full one less full.
        liveness_probe=ProbeArgs(
            http_get=HTTPGetActionArgs(path="/health?exclude=NOSPACE", port="client"),
            period_seconds=10,
            timeout_seconds=5,
            failure_threshold=6,
        ),
        resources=ResourceRequirementsArgs(
            requests={"cpu": "50m", "memory": "64Mi"}, limits={"cpu": "1", "memory": "512Mi"}
        ),
        security_context=container_security(),
        volume_mounts=[DISK_MOUNT],
    )


def _quota(persistence: Persistence | None) -> int:
    """Bytes of data: a third of the disk, since tidying up makes a copy, and the logs need the rest."""
    if persistence is None:
        return _EPHEMERAL_QUOTA_BYTES
    return min(_bytes(persistence) // 3, _LARGEST_QUOTA_BYTES)


def _bytes(persistence: Persistence) -> int:
    return int(quantity(persistence.size) or 0)
