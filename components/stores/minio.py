"""MinIO inside the cluster: one server with credentials of its own.

Without persistence on purpose where models can be published again from their sources: a new pod starts with an empty
disk. A model counts as published once its Job has run, so after such a loss the Job has to be replaced; with
persistence a new pod finds what is there. The bucket is made by the first publisher.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from ..core.pods import container_security
from ..core.problem import raise_if_invalid
from .kept_secret import KeptSecret, KeptSecretArgs
from .stateful_set import DISK, Persistence, pull_secret_problems, stateful_set
from .storage import S3Storage

_PORT = 9000
_NAME = "minio"
_REGION = "us-east-1"  # MinIO's default; S3 clients insist on one


@dataclass(frozen=True, kw_only=True)
class MinioArgs:
    """Where it runs, from which image (`minio` is its entry point), and the bucket that the stack uses."""

    namespace: pulumi.Input[str]
    image: str
    bucket: str
    persistence: Persistence | None = None
    image_pull_secrets: Sequence[str] = ()
    """Names of Secrets in that namespace."""


class Minio(pulumi.ComponentResource):
    """A single MinIO server."""

    storage: S3Storage
    """How to reach the bucket, from anywhere in the cluster. Known before the server answers."""

    def __init__(self, name: str, args: MinioArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        disk = args.persistence.problems() if args.persistence else ()
        raise_if_invalid("Minio", name, [*disk, *pull_secret_problems(args.image_pull_secrets)])
        super().__init__("modelmesh:index:Minio", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        credentials = KeptSecret(
            f"{name}-credentials",
            KeptSecretArgs(
                namespace=args.namespace,
                secret_name="minio-credentials",  # noqa: S106  a name, not a secret
                values={"user": f"modelmesh-{secrets.token_hex(6)}", "password": secrets.token_urlsafe(30)},
            ),
            child,
        )
        stateful_set(
            name,
            namespace=args.namespace,
            container=_container(args.image, credentials.secret_name),
            persistence=args.persistence,
            child=child,
            volumes=[{"name": "tmp", "emptyDir": {}}],
            image_pull_secrets=args.image_pull_secrets,
        )
        self.storage = S3Storage(
            endpoint_url=pulumi.Output.format("http://{0}.{1}.svc:{2}", _NAME, args.namespace, _PORT),
            bucket=args.bucket,
            region=_REGION,
            access_key_id=credentials.value("user"),
            secret_access_key=credentials.value("password"),
        )
        self.register_outputs({"endpoint_url": self.storage.endpoint_url})


def _container(image: str, secret_name: pulumi.Output[str]) -> dict[str, object]:
    def kept(key: str) -> dict[str, object]:
        return {"secretKeyRef": {"name": secret_name, "key": key}}

    return {
        "name": _NAME,
        "image": image,
        "args": ["server", f"{DISK}/minio", f"--address=:{_PORT}"],
        "env": [
            {"name": "MINIO_ROOT_USER", "valueFrom": kept("user")},
            {"name": "MINIO_ROOT_PASSWORD", "valueFrom": kept("password")},
            {"name": "MINIO_UPDATE", "value": "off"},  # it asks the internet for a newer version otherwise
            {"name": "HOME", "value": "/tmp"},  # noqa: S108  it keeps its own state there
        ],
        "ports": [{"name": "s3", "containerPort": _PORT}],
        "readinessProbe": {"httpGet": {"path": "/minio/health/ready", "port": "s3"}, "periodSeconds": 1},
        "livenessProbe": {
            "httpGet": {"path": "/minio/health/live", "port": "s3"},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "securityContext": container_security(),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
