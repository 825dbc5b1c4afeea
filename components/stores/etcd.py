"""One etcd member inside the cluster, with ModelMesh's registry of models.

Without persistence the registry survives a restart of etcd's container, but a new pod starts empty, and ModelMesh
loses all models; with persistence a new pod has the data of the previous one. For several members, users or TLS, use
an external etcd (`EtcdConnection`).
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
from ..core.problem import ROOT, Problem, raise_if_invalid
from .etcd_connection import EtcdConnection
from .stateful_set import DISK, DISK_MOUNT, Persistence, pull_secret_problems, stateful_set

_PORT = 2379
_NAME = "etcd"
_SMALLEST_DISK_BYTES = 1024 * MIB
_EPHEMERAL_QUOTA_BYTES = 256 * MIB
_LARGEST_QUOTA_BYTES = 8192 * MIB  # what its authors recommend at most


@dataclass(frozen=True, kw_only=True)
class EtcdArgs:
    """Arguments of Etcd."""

    namespace: pulumi.Input[str]
    image: str
    """Image with `etcd` on its PATH."""
    root_prefix: str
    """Prefix of ModelMesh's keys."""
    persistence: Persistence | None = None
    image_pull_secrets: Sequence[str] = ()
    """Names of Secrets in the namespace that the image is pulled with."""

    def connection(self) -> EtcdConnection:
        """Connection to this etcd. Mesh pods of other namespaces use it too, so the host name has the namespace."""
        endpoint = pulumi.Output.format("http://{0}.{1}.svc:{2}", _NAME, self.namespace, _PORT)
        return EtcdConnection(endpoints=endpoint.apply(lambda url: [url]), root_prefix=self.root_prefix)

    def problems(self) -> Iterator[Problem]:
        """Checks the arguments."""
        yield from self.connection().problems()
        if self.persistence:
            yield from (problem.under("persistence") for problem in _disk_problems(self.persistence))
        yield from pull_secret_problems(self.image_pull_secrets)


class Etcd(Component):
    """A single etcd."""

    connection: EtcdConnection
    """Connection from anywhere in the cluster. It is known before etcd answers."""

    def __init__(self, name: str, args: EtcdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("Etcd", name, args.problems())
        self.connection = args.connection()
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
        endpoints = pulumi.Output.from_input(self.connection.endpoints)
        self.register_outputs({"endpoint": endpoints.apply(lambda urls: urls[0])})


def _disk_problems(persistence: Persistence) -> Iterator[Problem]:
    yield from (problems := list(persistence.problems()))
    if not problems and _bytes(persistence) < _SMALLEST_DISK_BYTES:
        logs = "etcd keeps five logs of 64Mi beside its data, and needs room to compact it"
        yield Problem(ROOT / "size", persistence.size, f"1Gi or more: {logs}")


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
