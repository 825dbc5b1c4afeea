"""MinIO inside the cluster: one server on an `emptyDir`, with credentials of its own.

Ephemeral on purpose: its models can be published again from their sources. The bucket is made by the
first publisher.
"""

import secrets
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from .kept_secret import KeptSecret, KeptSecretArgs
from .pods import container_security, pod_security
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


class Minio(pulumi.ComponentResource):
    """A single MinIO server."""

    storage: S3Storage
    """How to reach the bucket, from anywhere in the cluster. Known before the server answers."""

    def __init__(self, name: str, args: MinioArgs, opts: pulumi.ResourceOptions | None = None) -> None:
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
        labels = {"app": _NAME}
        metadata = {"name": _NAME, "namespace": args.namespace, "labels": labels}
        kubernetes.apps.v1.Deployment(
            name,
            metadata=metadata,
            spec={
                "replicas": 1,
                "strategy": {"type": "Recreate"},  # a second one would start with an empty disk of its own
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "automountServiceAccountToken": False,
                        "securityContext": pod_security(),
                        "containers": [_container(args.image, credentials.secret_name)],
                        "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
                    },
                },
            },
            opts=child,
        )
        kubernetes.core.v1.Service(
            name,
            metadata=metadata,
            spec={"selector": labels, "ports": [{"name": "s3", "port": _PORT, "targetPort": "s3"}]},
            opts=child,
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
        "name": "minio",
        "image": image,
        "args": ["server", "/data", f"--address=:{_PORT}"],
        "env": [
            {"name": "MINIO_ROOT_USER", "valueFrom": kept("user")},
            {"name": "MINIO_ROOT_PASSWORD", "valueFrom": kept("password")},
            {"name": "MINIO_UPDATE", "value": "off"},  # it asks the internet for a newer version otherwise
            {"name": "HOME", "value": "/tmp"},  # noqa: S108  it keeps its own state there
        ],
        "ports": [{"name": "s3", "containerPort": _PORT}],
        "readinessProbe": {"httpGet": {"path": "/minio/health/ready", "port": "s3"}, "periodSeconds": 2},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "securityContext": container_security(),
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
