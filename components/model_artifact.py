"""A model in the bucket under the digest of its files, so that a new model is a new path and an old one stays servable.

The files travel in a small image next to the publisher that uploads them (any size, no limit of a ConfigMap), and a Job
runs it where the store can be reached: inside the cluster. Nothing is deleted: an earlier digest is how one rolls back.

A Job that has run is not run again. Where the store lost its disk since, as an ephemeral one does with its pod,
`pulumi up --replace <URN of the Job>` publishes once more.
"""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from . import content
from .invalid_spec import refuse
from .kept_secret import encoded
from .pods import container_security, pod_security
from .runtime_image import BuildArgs, RuntimeImage, RuntimeImageArgs
from .storage import S3Storage

_PUBLISHER = "publisher"
_RETRIES = 3
_DEADLINE_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class ModelArtifactArgs:
    """The model's files, its name in the bucket, and how they get there."""

    namespace: pulumi.Input[str]
    model_name: str
    source: Path
    build: BuildArgs
    storage: S3Storage
    publisher: Path = Path("runtime_src/publish")
    """Folder of the publishing image: its Dockerfile copies the build context, its entry point uploads that."""


class ModelArtifact(pulumi.ComponentResource):
    """A published model."""

    digest: str
    """`sha256:…` of the files: known before anything is built."""
    path: pulumi.Output[str]
    """The model's path in the bucket; resolves once it is there."""

    def __init__(self, name: str, args: ModelArtifactArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self.digest = content.digest(content.files(args.source))
        missing = ["storage.bucket: missing, expected the one that the model is put into"]
        refuse("ModelArtifact", args.model_name, missing if args.storage.bucket is None else [])
        super().__init__("modelmesh:index:ModelArtifact", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        hexdigest = self.digest.removeprefix("sha256:")
        path = f"{args.model_name}/{hexdigest}"
        image = RuntimeImage(
            f"{name}-publisher",
            RuntimeImageArgs(
                build=args.build,
                source=args.source,
                repository=f"models/{args.model_name}",
                named_sources={_PUBLISHER: args.publisher},
                dockerfile_in=_PUBLISHER,
            ),
            child,
        )
        credentials = kubernetes.core.v1.Secret(
            f"{name}-credentials",
            metadata={"name": f"publish-{args.model_name}", "namespace": args.namespace},
            data=pulumi.Output.all(
                AWS_ACCESS_KEY_ID=pulumi.Output.secret(args.storage.access_key_id),
                AWS_SECRET_ACCESS_KEY=pulumi.Output.secret(args.storage.secret_access_key),
            ).apply(encoded),
            opts=child,
        )
        job = kubernetes.batch.v1.Job(
            name,
            metadata={"name": f"publish-{args.model_name}-{hexdigest[:12]}", "namespace": args.namespace},
            spec={
                "backoffLimit": _RETRIES,
                "activeDeadlineSeconds": _DEADLINE_SECONDS,
                "template": {
                    "spec": {
                        "restartPolicy": "Never",  # a failed pod stays, with its log
                        "automountServiceAccountToken": False,
                        "securityContext": pod_security(),
                        "containers": [
                            {
                                "name": "publish",
                                "image": image.ref,
                                "env": [
                                    {"name": "S3_ENDPOINT", "value": args.storage.endpoint_url},
                                    {"name": "S3_BUCKET", "value": args.storage.bucket},
                                    {"name": "S3_REGION", "value": args.storage.region},
                                    {"name": "S3_PREFIX", "value": f"{path}/"},
                                ],
                                "envFrom": [{"secretRef": {"name": credentials.metadata.name}}],
                                "resources": {
                                    "requests": {"cpu": "50m", "memory": "64Mi"},
                                    "limits": {"cpu": "1", "memory": "512Mi"},
                                },
                                "securityContext": container_security(),
                                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  a mount point
                            }
                        ],
                        "volumes": [{"name": "tmp", "emptyDir": {}}],
                    }
                },
            },
            opts=child,
        )
        self.path = job.metadata.apply(lambda _: path)
        self.register_outputs({"digest": self.digest, "path": self.path})
