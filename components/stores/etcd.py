"""One etcd member inside the cluster, with ModelMesh's registry of models.

Without persistence the registry survives a restart of etcd's container, but a new pod starts empty, and ModelMesh
loses all models; with persistence a new pod has the data of the previous one. For several members or users, use an
external etcd (`EtcdConnection`).

etcd serves TLS only, and only to clients with a certificate of the authority that is generated for it. The key of that
authority is not kept, so no other client can be added. The certificates last as long as the authority, because a
renewal would restart the only member.
"""

import dataclasses
import datetime
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core import v1

from ..core.component import Component
from ..core.names_and_quantities import MIB, quantity
from ..core.pods import container_security
from ..core.problem import ROOT, Problem, raise_if_invalid
from . import pki
from .etcd_connection import EtcdConnection
from .generated_secret import GeneratedSecret, GeneratedSecretArgs
from .network_policy import CONTROLLER_PODS, MESH_PODS, network_policy
from .stateful_set import DISK, DISK_MOUNT, Persistence, liveness_probe, pull_secret_problems, stateful_set

_PORT = 2379
_HEALTH_PORT = 2381
_NAME = "etcd"
_CERTIFICATES = "/etc/etcd"
_SERVER_FILES = ("tls.crt", "tls.key", "ca.crt")
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

    def host(self) -> pulumi.Output[str]:
        """DNS name of this etcd. It has the namespace, since mesh pods of other namespaces use it too."""
        return pulumi.Output.format("{0}.{1}.svc", _NAME, self.namespace)

    def planned(self) -> EtcdConnection:
        """Connection to this etcd, but for the certificates, which only Etcd has."""
        endpoints = self.host().apply(lambda host: [f"https://{host}:{_PORT}"])
        return EtcdConnection(endpoints=endpoints, root_prefix=self.root_prefix)

    def problems(self) -> Iterator[Problem]:
        """Checks the arguments."""
        yield from self.planned().problems()
        if self.persistence:
            yield from (problem.under("persistence") for problem in _disk_problems(self.persistence))
        yield from pull_secret_problems(self.image_pull_secrets)


class Etcd(Component):
    """A single etcd."""

    connection: EtcdConnection
    """Connection from anywhere in the cluster. It is known before etcd answers."""

    def __init__(self, name: str, args: EtcdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("Etcd", name, args.problems())
        super().__init__("modelmesh:index:Etcd", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        certificates = GeneratedSecret(
            f"{name}-certificates",
            GeneratedSecretArgs(
                namespace=args.namespace,
                secret_name="etcd-certificates",  # noqa: S106  a name, not a secret
                values=args.host().apply(_certificates),
                generated_for=args.host(),
            ),
            child,
        )
        self.connection = dataclasses.replace(
            args.planned(),
            certificate=certificates.value("ca.crt"),
            client_certificate=certificates.value("client.crt"),
            client_key=certificates.value("client.key"),
        )
        mounted = v1.SecretVolumeSourceArgs(
            secret_name=certificates.secret_name, items=[v1.KeyToPathArgs(key=key, path=key) for key in _SERVER_FILES]
        )
        stateful_set(
            name,
            app=_NAME,
            namespace=args.namespace,
            container=_container(args),
            port=v1.ServicePortArgs(name="client", port=_PORT, target_port="client"),
            persistence=args.persistence,
            child=child,
            volumes=[v1.VolumeArgs(name="certificates", secret=mounted)],
            image_pull_secrets=args.image_pull_secrets,
            # It reads its certificates when it starts. They change with the namespace, even if that is changed back.
            restarted_by=pulumi.Output.unsecret(certificates.value("ca.crt").apply(_fingerprint)),
        )
        network_policy(
            name,
            app=_NAME,
            namespace=args.namespace,
            port=_PORT,
            clients=[CONTROLLER_PODS, MESH_PODS],
            open_ports=[_HEALTH_PORT],  # health and metrics, but no keys
            child=child,
        )
        endpoints = pulumi.Output.from_input(self.connection.endpoints)
        self.register_outputs({"endpoint": endpoints.apply(lambda urls: urls[0])})


def _disk_problems(persistence: Persistence) -> Iterator[Problem]:
    yield from (problems := list(persistence.problems()))
    if not problems and _bytes(persistence) < _SMALLEST_DISK_BYTES:
        logs = "etcd keeps five logs of 64Mi beside its data, and needs room to compact it"
        yield Problem(ROOT / "size", persistence.size, f"1Gi or more: {logs}")


def _fingerprint(certificate: str) -> str:
    return hashlib.sha256(certificate.encode()).hexdigest()[:16]


def _container(args: EtcdArgs) -> v1.ContainerArgs:
    client_url = f"https://0.0.0.0:{_PORT}"
    return v1.ContainerArgs(
        name=_NAME,
        image=args.image,
        command=["etcd", f"--data-dir={DISK}/etcd"],
        # Flags that etcd 3.4 and 3.5 both know.
        args=[
            f"--listen-client-urls={client_url}",
            f"--advertise-client-urls={client_url}",
            f"--cert-file={_CERTIFICATES}/tls.crt",
            f"--key-file={_CERTIFICATES}/tls.key",
            f"--trusted-ca-file={_CERTIFICATES}/ca.crt",
            "--client-cert-auth",
            # Health and metrics, but no keys: kubelet shows no certificate.
            f"--listen-metrics-urls=http://0.0.0.0:{_HEALTH_PORT}",
            # Every change is kept for good by default, and mesh pods write every few seconds.
            "--auto-compaction-mode=periodic",
            "--auto-compaction-retention=1h",
            # Full is an alarm that can be read; a full disk is a crash.
            f"--quota-backend-bytes={_quota(args.persistence)}",
            # Changes since the last snapshot are held in memory: the default of 100000 does not suit the limit below.
            "--snapshot-count=10000",
        ],
        ports=[
            v1.ContainerPortArgs(name="client", container_port=_PORT),
            v1.ContainerPortArgs(name="health", container_port=_HEALTH_PORT),
        ],
        readiness_probe=v1.ProbeArgs(http_get=v1.HTTPGetActionArgs(path="/health", port="health"), period_seconds=1),
        # A restarted container finds its disk again, also an ephemeral one. It would not make a full one less full.
        liveness_probe=liveness_probe("/health?exclude=NOSPACE", "health"),
        resources=v1.ResourceRequirementsArgs(
            requests={"cpu": "50m", "memory": "64Mi"}, limits={"cpu": "1", "memory": "512Mi"}
        ),
        security_context=container_security(),
        volume_mounts=[
            DISK_MOUNT,
            v1.VolumeMountArgs(name="certificates", mount_path=_CERTIFICATES, read_only=True),
        ],
    )


def _certificates(host: str) -> dict[str, str]:
    """Certificates of the server and of its clients, by an authority whose key is dropped."""
    today = datetime.datetime.now(datetime.UTC).date()
    authority = pki.Authority.new("CA of etcd", today)
    end = today + pki.AUTHORITY_LIFE
    server = authority.issue(host, [host, f"{host}.cluster.local", "localhost"], begin=today, end=end)
    client = authority.issue("modelmesh", [], begin=today, end=end, server=False)
    return {
        "tls.crt": server.certificate,
        "tls.key": server.key,
        "ca.crt": authority.certificate,
        "client.crt": client.certificate,
        "client.key": client.key,
    }


def _quota(persistence: Persistence | None) -> int:
    """Bytes of data: a third of the disk, since tidying up makes a copy, and the logs need the rest."""
    if persistence is None:
        return _EPHEMERAL_QUOTA_BYTES
    return min(_bytes(persistence) // 3, _LARGEST_QUOTA_BYTES)


def _bytes(persistence: Persistence) -> int:
    size = quantity(persistence.size)
    assert size is not None, "a size without a problem is a quantity"
    return int(size)
