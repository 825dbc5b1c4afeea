"""One MinIO server inside the cluster, with generated credentials.

Without persistence a new pod starts with an empty disk, and ModelArtifact uploads its model again; with persistence a
new pod has the data of the previous one. The first publisher creates the bucket.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pulumi
from pulumi_kubernetes.core import v1

from ..core.component import Component
from ..core.names_and_quantities import label_problems
from ..core.pods import container_security
from ..core.problem import ROOT, Problem, raise_if_invalid
from ..core.rendering import KNOWN_LATER
from .generated_secret import GeneratedSecret, GeneratedSecretArgs
from .network_policy import MESH_PODS, PUBLISHER_PODS, network_policy
from .stateful_set import DISK, DISK_MOUNT, Persistence, liveness_probe, pull_secret_problems, stateful_set
from .storage import S3Storage

_PORT = 9000
_NAME = "minio"
_REGION = "us-east-1"  # MinIO's default; S3 clients insist on one


@dataclass(frozen=True, kw_only=True)
class MinioArgs:
    """Arguments of Minio."""

    namespace: pulumi.Input[str]
    image: str
    """Image with `minio` as its entry point."""
    bucket: str
    """Bucket for models; the first publisher creates it."""
    persistence: Persistence | None = None
    image_pull_secrets: Sequence[str] = ()
    """Names of Secrets in the namespace that the image is pulled with."""

    def planned(self) -> S3Storage:
        """Access to this MinIO, but for the endpoint and the credentials, which only Minio has."""
        return S3Storage(
            endpoint_url=KNOWN_LATER,
            bucket=self.bucket,
            region=_REGION,
            access_key_id=KNOWN_LATER,
            secret_access_key=KNOWN_LATER,
        )

    def problems(self) -> Iterator[Problem]:
        """Checks the arguments."""
        yield from label_problems(ROOT / "bucket", self.bucket)
        if self.persistence:
            yield from (problem.under("persistence") for problem in self.persistence.problems())
        yield from pull_secret_problems(self.image_pull_secrets)


class Minio(Component):
    """A single MinIO server."""

    storage: S3Storage
    """Access to the bucket from anywhere in the cluster. Its endpoint resolves when the server answers."""

    def __init__(self, name: str, args: MinioArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("Minio", name, args.problems())
        super().__init__("modelmesh:index:Minio", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        credentials = GeneratedSecret(
            f"{name}-credentials",
            GeneratedSecretArgs(
                namespace=args.namespace,
                secret_name="minio-root",  # noqa: S106  a name, not a secret
                values={"user": f"modelmesh-{secrets.token_hex(6)}", "password": secrets.token_urlsafe(30)},
            ),
            child,
        )
        host = stateful_set(
            name,
            app=_NAME,
            namespace=args.namespace,
            container=_container(args.image, credentials.secret_name),
            port=v1.ServicePortArgs(name="s3", port=_PORT, target_port="s3"),
            persistence=args.persistence,
            child=child,
            volumes=[v1.VolumeArgs(name="tmp", empty_dir=v1.EmptyDirVolumeSourceArgs())],
            image_pull_secrets=args.image_pull_secrets,
        )
        clients = [PUBLISHER_PODS, MESH_PODS]
        network_policy(name, app=_NAME, namespace=args.namespace, port=_PORT, clients=clients, child=child)
        self.storage = replace(
            args.planned(),
            endpoint_url=pulumi.Output.format("http://{0}.{1}.svc:{2}", host, args.namespace, _PORT),
            access_key_id=credentials.value("user"),
            secret_access_key=credentials.value("password"),
        )
        self.register_outputs({"endpoint_url": self.storage.endpoint_url})


def _container(image: str, secret_name: pulumi.Output[str]) -> v1.ContainerArgs:
    def generated(key: str) -> v1.EnvVarSourceArgs:
        return v1.EnvVarSourceArgs(secret_key_ref=v1.SecretKeySelectorArgs(name=secret_name, key=key))

    return v1.ContainerArgs(
        name=_NAME,
        image=image,
        args=["server", f"{DISK}/minio", f"--address=:{_PORT}"],
        env=[
            v1.EnvVarArgs(name="MINIO_ROOT_USER", value_from=generated("user")),
            v1.EnvVarArgs(name="MINIO_ROOT_PASSWORD", value_from=generated("password")),
            v1.EnvVarArgs(name="MINIO_UPDATE", value="off"),  # it asks the internet for a newer version otherwise
            v1.EnvVarArgs(name="HOME", value="/tmp"),  # noqa: S108  it keeps its own state there
        ],
        ports=[v1.ContainerPortArgs(name="s3", container_port=_PORT)],
        readiness_probe=v1.ProbeArgs(
            http_get=v1.HTTPGetActionArgs(path="/minio/health/ready", port="s3"), period_seconds=1
        ),
        liveness_probe=liveness_probe("/minio/health/live", "s3"),
        resources=v1.ResourceRequirementsArgs(
            requests={"cpu": "50m", "memory": "128Mi"}, limits={"cpu": "1", "memory": "1Gi"}
        ),
        security_context=container_security(),
        volume_mounts=[DISK_MOUNT, v1.VolumeMountArgs(name="tmp", mount_path="/tmp")],  # noqa: S108
    )
