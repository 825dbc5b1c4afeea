"""A model in the bucket under the digest of its files, so that a new model is a new path and an old one stays servable.

The files travel in an image beside the publisher that uploads them, which sets no limit to their size, and a Job runs
it inside the cluster, where the store can be reached. Another stack can publish the same image, so a promoted model is
the one that was tried, byte by byte. Nothing is deleted from the bucket, so an earlier model can be served again.

A Job that has run is not run again. Where the store lost its disk since, as an ephemeral one does with its pod, delete
the Job in the cluster: `pulumi up --refresh` then publishes once more.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import EnvFromSourceArgs, EnvVarArgs, SecretEnvSourceArgs

from ..core.component import Component
from ..core.jobs import job, job_container
from ..core.names_and_quantities import MIB, label_problems, shown, subdomain_problems
from ..core.problem import raise_if_invalid
from ..core.rendering import encoded
from ..images import content
from ..images.build import BuildArgs
from ..images.images import promotion_problems
from ..images.runtime_image import BuiltImage, PromotedImage, RuntimeImage
from .storage import S3Storage

_PUBLISHER = Path(__file__).with_name("publisher")
"""Folder of the publisher's image: its Dockerfile finds the model's files below `artifact` in the build context."""
_SHORTEST_SECONDS = 600
_BYTES_PER_SECOND = 2 * MIB
"""With a slower connection to the registry or to the store, publishing a model fails at its deadline."""
_PROMOTED_SECONDS = 3600
"""Deadline of a model from another stack, whose size is not known here."""
_LARGE_BYTES = 200 * MIB
"""Publishing a model above this takes long enough to say where its progress can be seen."""
_LONGEST_NAME = 42
"""Characters of a model's name: its Job has 21 more in its own, which its pods have as a label, of 63 at most."""
_MOST_FILES = 100
"""ModelMesh's puller fetches no more of a directory, and says nothing."""
_SETTINGS_FILE = "model-settings.json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """A model to build a publisher's image of."""

    source: Path | str
    build: BuildArgs

    def problems(self) -> Iterator[str]:
        """What could not be built."""
        yield from (f"build.{problem}" for problem in self.build.problems())


@dataclass(frozen=True, kw_only=True)
class PromotedModel:
    """A model whose publisher's image is there already."""

    image: str
    """`<repository>@sha256:…` of the publisher's image, as the stack that built it says."""
    digest: str
    """`sha256:…` of the model's files in it; the publisher refuses others."""

    def problems(self) -> Iterator[str]:
        """What names no single image or model."""
        yield from promotion_problems("image", self.image)
        if not _DIGEST.fullmatch(self.digest):
            yield f"digest: {shown(self.digest)}, expected sha256:<64 hex digits>"


@dataclass(frozen=True, kw_only=True)
class ModelArtifactArgs:
    """The model's files, its name in the bucket, and how they get there."""

    namespace: pulumi.Input[str]
    model_name: str
    files: ModelFiles | PromotedModel
    storage: S3Storage
    image_pull_secrets: Sequence[str] = ()
    """Names of Secrets in the namespace that the publisher's image is pulled with."""


class ModelArtifact(Component):
    """A published model."""

    digest: str
    """`sha256:…` of the files: known before anything is built."""
    path: pulumi.Output[str]
    """The model's path in the bucket; resolves once it is there."""
    image: pulumi.Output[str]
    """The publisher's, as `<repository>@sha256:…`."""

    def __init__(self, name: str, args: ModelArtifactArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("ModelArtifact", args.model_name, _problems(args))
        size = None
        if isinstance(args.files, PromotedModel):
            self.digest = args.files.digest
        else:
            files = content.files(args.files.source)
            raise_if_invalid(
                "ModelArtifact", args.model_name, (f"files.source: {problem}" for problem in _files_problems(files))
            )
            self.digest, size = content.digest(files), content.size(files)
        super().__init__("modelmesh:index:ModelArtifact", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        hexdigest = self.digest.removeprefix("sha256:")
        path, job_name = f"{args.model_name}/{hexdigest}", f"publish-{args.model_name}-{hexdigest[:12]}"
        self.image = RuntimeImage(f"{name}-publisher", _publisher(args), child).ref
        credentials = kubernetes.core.v1.Secret(
            f"{name}-credentials",
            metadata={"name": f"publish-{args.model_name}", "namespace": args.namespace},
            data=pulumi.Output.all(**_credentials(args.storage)).apply(encoded),
            opts=child,
        )
        publishing = job(
            name,
            namespace=args.namespace,
            job_name=job_name,
            containers=[
                job_container(
                    "publish",
                    self.image,
                    env=[
                        EnvVarArgs(name="S3_ENDPOINT", value=args.storage.endpoint_url),
                        EnvVarArgs(name="S3_BUCKET", value=args.storage.bucket),
                        EnvVarArgs(name="S3_REGION", value=args.storage.region),
                        EnvVarArgs(name="S3_PREFIX", value=f"{path}/"),
                        EnvVarArgs(name="MODEL_DIGEST", value=self.digest),
                    ],
                    env_from=[EnvFromSourceArgs(secret_ref=SecretEnvSourceArgs(name=credentials.metadata.name))],
                    requests={"cpu": "50m", "memory": "64Mi"},
                    limits={"cpu": "1", "memory": "512Mi"},
                )
            ],
            image_pull_secrets=args.image_pull_secrets,
            deadline_seconds=deadline_seconds(size),
            opts=child,
        )
        self.path = publishing.metadata.apply(lambda _: path)
        if size and size > _LARGE_BYTES and not pulumi.runtime.is_dry_run():
            # By way of the Secret, which exists right before the Job.
            credentials.metadata.namespace.apply(lambda namespace: self._log_large(size, namespace, job_name))
        self.register_outputs({"digest": self.digest, "path": self.path, "image": self.image})

    def _log_large(self, size: int, namespace: str, job_name: str) -> None:
        logs = f"kubectl -n {namespace} logs --follow job/{job_name}"
        message = f"{size / MIB:,.0f} MiB, published within {deadline_seconds(size):,} s; its progress: {logs}"
        pulumi.log.info(message, resource=self, ephemeral=True)


def deadline_seconds(size: int | None) -> int:
    """How long publishing so many bytes may take, pulling the image included; None is for a size that is not known."""
    return _PROMOTED_SECONDS if size is None else _SHORTEST_SECONDS + size // _BYTES_PER_SECOND


def _problems(args: ModelArtifactArgs) -> Iterator[str]:
    yield from model_name_problems("model_name", args.model_name)
    yield from (f"files.{problem}" for problem in args.files.problems())
    if args.storage.bucket is None:
        yield "storage.bucket: missing, expected the one that the model is put into"
    for index, secret in enumerate(args.image_pull_secrets):
        yield from subdomain_problems(f"image_pull_secrets[{index}]", secret)


def _files_problems(files: Mapping[str, Path]) -> Iterator[str]:
    """What could be published, but not served."""
    if len(files) > _MOST_FILES:
        yield f"{len(files)} files, expected {_MOST_FILES} at the most: ModelMesh's puller leaves out the others"
    if _SETTINGS_FILE in files:
        yield from (
            f"{_SETTINGS_FILE}: {problem}" for problem in _settings_problems(files[_SETTINGS_FILE].read_bytes())
        )


def _settings_problems(data: bytes) -> Iterator[str]:
    """What the MLServer adapter, which puts name and path into a model's own settings, would end of with a panic."""
    try:
        settings = json.loads(data, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        yield f"expected JSON ({error})"
        return
    if not isinstance(settings, dict):
        yield f"expected a JSON object, got {shown(settings)}"
        return
    parameters = settings.get("parameters", {})
    if not isinstance(parameters, dict):
        yield f"parameters: {shown(parameters)}, expected a JSON object"
    elif not isinstance(uri := parameters.get("uri", ""), str):
        yield f"parameters.uri: {shown(uri)}, expected text"


def _not_json(constant: str) -> None:
    """Python would take it."""
    raise ValueError(f"{constant} is not JSON")


def model_name_problems(path: str, name: str) -> Iterator[str]:
    """What no model in the bucket, or no Job that publishes it, can be called."""
    yield from label_problems(path, name)
    if len(name) > _LONGEST_NAME:
        yield f"{path}: {len(name)} characters long, {_LONGEST_NAME} fit"


def _credentials(storage: S3Storage) -> dict[str, pulumi.Input[str]]:
    certificate = {"S3_CERTIFICATE": storage.certificate} if storage.certificate else {}
    return {
        "AWS_ACCESS_KEY_ID": pulumi.Output.secret(storage.access_key_id),
        "AWS_SECRET_ACCESS_KEY": pulumi.Output.secret(storage.secret_access_key),
        **certificate,
    }


def _publisher(args: ModelArtifactArgs) -> BuiltImage | PromotedImage:
    if isinstance(args.files, PromotedModel):
        return PromotedImage(ref=args.files.image)
    return BuiltImage(
        build=args.files.build,
        sources={"": _PUBLISHER, "artifact": args.files.source},
        repository=f"models/{args.model_name}",
    )
