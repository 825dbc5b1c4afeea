"""A model in a bucket, under a path with the digest of its files: new files get a new path, and old ones stay there.

The files travel in an image beside the publisher that uploads them, which sets no limit to their size, and a Job runs
it inside the cluster, where the store can be reached. Another stack can publish the same image, so a promoted model is
the one that was tried, byte by byte. Nothing is deleted from the bucket, so an earlier model can be served again.

A store in the cluster can lose its disk after that, as an ephemeral one does with its pod. Models that are loaded stay
loaded, but no pod could load them any more. So a Deployment of the same image looks into the bucket every few seconds,
and uploads what is missing.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.apps.v1 import Deployment, DeploymentSpecArgs, DeploymentStrategyArgs
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core import v1
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from ..core.cluster import Cluster
from ..core.component import Component
from ..core.jobs import job, job_container, pod_spec
from ..core.names_and_quantities import MIB, label_problems, subdomain_problems
from ..core.problem import MISSING, ROOT, FieldPath, Problem, Text, raise_if_invalid
from ..core.rendering import encoded
from ..images import content
from ..images.build import BuildArgs
from ..images.images import digest_problems
from ..images.runtime_image import BuiltImage, PromotedImage, RuntimeImage
from .network_policy import PUBLISHER_LABELS
from .publishing_progress import report_progress
from .stateful_set import pull_secret_problems
from .storage import S3Storage

_PUBLISHER = Path(__file__).with_name("publisher")
"""Folder of the publisher's image; its Dockerfile takes the model's files from `root/artifact` in the build context."""
_SHORTEST_SECONDS = 600
_BYTES_PER_SECOND = 2 * MIB
"""Minimum speed of the connections to the registry and to the store, which determines the deadline of publishing."""
_PROMOTED_SECONDS = 3600
"""Deadline of a model from another stack, whose size is not known here."""
_LARGE_BYTES = 200 * MIB
"""Publishing a model above this takes long enough to say where its progress can be seen."""
_LONGEST_NAME = 42
"""Characters of a model's name. Its Job's name has 21 more and becomes a label of pods, which holds 63."""
_KEEP_SECONDS = 10
"""Interval at which a kept model is looked for in the bucket."""
_MOST_FILES = 100
"""Files of a folder that ModelMesh's puller fetches; it skips the others without an error."""
_SETTINGS_FILE = "model-settings.json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """A model whose publisher image is built from its files."""

    source: Path | str
    build: BuildArgs

    def problems(self) -> Iterator[Problem]:
        """Checks the build and the files."""
        yield from (problem.under("build") for problem in self.build.problems())
        try:
            files = content.files(self.source)
        except content.SourceError as error:
            yield Problem(ROOT / "source", Text(str(error)), "a folder with the model's files")
        else:
            yield from _files_problems(ROOT / "source", files)

    def size_bytes(self) -> int | None:
        """Return the size of all files together; None if they cannot be read."""
        try:
            return content.size(content.files(self.source))
        except content.SourceError:
            return None


@dataclass(frozen=True, kw_only=True)
class PromotedModel:
    """A model whose publisher image another stack has built."""

    image: str
    """Reference of the publisher image as `<repository>@sha256:…`, from the output of the stack that built it."""
    digest: str
    """Digest of the model's files in the image as `sha256:…`; the publisher fails if it differs."""

    def problems(self) -> Iterator[Problem]:
        """Checks that both the image and the files have a digest."""
        yield from digest_problems(ROOT / "image", self.image)
        if not _DIGEST.fullmatch(self.digest):
            yield Problem(ROOT / "digest", self.digest, "sha256:<64 hex digits>")


@dataclass(frozen=True, kw_only=True)
class ModelArtifactArgs:
    """Arguments of ModelArtifact."""

    namespace: pulumi.Input[str]
    model_name: str
    """Name of the model in the bucket: the first part of its path."""
    files: ModelFiles | PromotedModel
    storage: S3Storage
    cluster: Cluster | None = None
    """The cluster of the namespace, to show the progress of a large model from there; None shows none."""
    keep_published: bool = True
    """Whether a Deployment uploads the files again when the store has lost them; not needed if the store is durable."""
    image_pull_secrets: Sequence[str] = ()
    """Names of Secrets in the namespace that the publisher image is pulled with."""

    def problems(self) -> Iterator[Problem]:
        """Checks the arguments and the model's files."""
        name = ROOT / "model_name"
        yield from label_problems(name, self.model_name)
        if len(self.model_name) > _LONGEST_NAME:
            yield Problem(name, self.model_name, f"at most {_LONGEST_NAME} characters")
        yield from (problem.under("files") for problem in self.files.problems())
        if self.storage.bucket is None:
            yield Problem(ROOT / "storage" / "bucket", MISSING, "the bucket that the model is published to")
        elif isinstance(self.storage.bucket, str):
            yield from subdomain_problems(ROOT / "storage" / "bucket", self.storage.bucket)
        endpoint = self.storage.endpoint_url
        if isinstance(endpoint, str) and re.search(r"://.*/.", endpoint):
            yield Problem(ROOT / "storage" / "endpoint_url", endpoint, "a URL without a path, to publish to")
        yield from pull_secret_problems(self.image_pull_secrets)


class ModelArtifact(Component):
    """A published model."""

    digest: str
    """Digest of the files as `sha256:…`; known before anything is built."""
    path: pulumi.Output[str]
    """Path of the model in the bucket; resolves when the model is published."""
    image: pulumi.Output[str]
    """Reference of the publisher image as `<repository>@sha256:…`."""

    def __init__(self, name: str, args: ModelArtifactArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("ModelArtifact", args.model_name, args.problems())
        size = None
        if isinstance(args.files, PromotedModel):
            self.digest = args.files.digest
        else:
            files = content.files(args.files.source)
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
        env = {
            "S3_ENDPOINT": args.storage.endpoint_url,
            "S3_BUCKET": args.storage.bucket,
            "S3_REGION": args.storage.region,
            "S3_PREFIX": f"{path}/",
            "MODEL_DIGEST": self.digest,
        }

        def container(**more: str) -> v1.ContainerArgs:
            return job_container(
                "publish",
                self.image,
                env=[v1.EnvVarArgs(name=key, value=value) for key, value in {**env, **more}.items()],
                env_from=[v1.EnvFromSourceArgs(secret_ref=v1.SecretEnvSourceArgs(name=credentials.metadata.name))],
                requests={"cpu": "10m" if more else "50m", "memory": "64Mi"},
                limits={"cpu": "1", "memory": "512Mi"},
            )

        publishing = job(
            name,
            namespace=args.namespace,
            job_name=job_name,
            containers=[container()],
            pod_labels=PUBLISHER_LABELS,
            image_pull_secrets=args.image_pull_secrets,
            deadline_seconds=deadline_seconds(size),
            opts=child,
        )
        if args.keep_published:
            after = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[publishing]))
            _keeper(name, args, container(KEEP_SECONDS=str(_KEEP_SECONDS)), after)
        self.path = publishing.metadata.apply(lambda _: path)
        if size and size > _LARGE_BYTES and not pulumi.runtime.is_dry_run():
            # Depends on the Secret, which is created right before the Job.
            _: pulumi.Output[None] = credentials.metadata.namespace.apply(
                lambda namespace: self._log_large(size, args.cluster, namespace, job_name, publishing)
            )
        self.register_outputs({"digest": self.digest, "path": self.path, "image": self.image})

    async def _log_large(self, size: int, cluster: Cluster | None, namespace: str, job_name: str, job: Job) -> None:
        logs = f"kubectl -n {namespace} logs --follow job/{job_name}"
        self.report(f"{size / MIB:,.0f} MiB, published within {deadline_seconds(size):,} s; its progress: {logs}")
        if cluster:
            await report_progress(cluster, namespace, job_name, until=job.id.future(), report=self.report)


def deadline_seconds(size: int | None) -> int:
    """Time limit in seconds for pulling the image and publishing a model of so many bytes; None is an unknown size."""
    return _PROMOTED_SECONDS if size is None else _SHORTEST_SECONDS + size // _BYTES_PER_SECOND


def _files_problems(path: FieldPath, files: Mapping[str, Path]) -> Iterator[Problem]:
    """Checks for files that could be published, but not served."""
    if len(files) > _MOST_FILES:
        given = Text(f"{len(files)} files")
        yield Problem(path, given, f"at most {_MOST_FILES}: ModelMesh's puller leaves out the others")
    for name, file in files.items():
        if file.stat().st_size == 0:
            expected = "some content: ModelMesh's puller leaves out empty files"
            yield Problem(path / name, Text("empty"), expected, "delete it, or write a line break into it")
    if _SETTINGS_FILE in files:
        yield from _settings_problems(path / _SETTINGS_FILE, files[_SETTINGS_FILE].read_bytes())


def _settings_problems(path: FieldPath, data: bytes) -> Iterator[Problem]:
    """Checks for settings that make the MLServer adapter panic when it adds the model's name and path."""
    try:
        settings = json.loads(data, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        yield Problem(path, Text(f"not JSON ({error})"), "JSON")
        return
    if not isinstance(settings, dict):
        yield Problem(path, settings, "a JSON object")
        return
    parameters = settings.get("parameters", {})
    if not isinstance(parameters, dict):
        yield Problem(path / "parameters", parameters, "a JSON object")
    elif not isinstance(uri := parameters.get("uri", ""), str):
        yield Problem(path / "parameters" / "uri", uri, "a text")


def _not_json(constant: str) -> None:
    """Rejects the constants that Python's parser accepts beyond JSON."""
    raise ValueError(f"{constant} is not JSON")


def _keeper(name: str, args: ModelArtifactArgs, container: v1.ContainerArgs, opts: pulumi.ResourceOptions) -> None:
    """Create the Deployment that uploads what the store has lost."""
    labels = {**PUBLISHER_LABELS, "model": args.model_name}
    Deployment(
        name,
        metadata=ObjectMetaArgs(name=f"publish-{args.model_name}", namespace=args.namespace, labels=labels),
        spec=DeploymentSpecArgs(
            replicas=1,
            strategy=DeploymentStrategyArgs(type="Recreate"),
            selector=LabelSelectorArgs(match_labels=labels),
            template=v1.PodTemplateSpecArgs(
                metadata=ObjectMetaArgs(labels=labels),
                spec=pod_spec([container], image_pull_secrets=args.image_pull_secrets),
            ),
        ),
        opts=opts,
    )


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
        sources={"": _PUBLISHER, "root/artifact": args.files.source},
        repository=f"models/{args.model_name}",
    )
