"""What keeps a model from being published is told before anything is built; what is published has a digest."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.core.cluster import Cluster
from components.core.problem import InvalidSpecError
from components.images import content
from components.images.build import BuildArgs
from components.stores import model_artifact
from components.stores.model_artifact import (
    ModelArtifact,
    ModelArtifactArgs,
    ModelFiles,
    PromotedModel,
    deadline_seconds,
)
from tests.unit.stack.engine import DIGEST, ROOT, Run, run
from tests.unit.stack.serving import S3

JOB = "kubernetes:batch/v1:Job"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SOURCE = Path(".build/models/sentiment")
FILES = ModelFiles(source=SOURCE, build=BuildArgs(registry="registry.example"))
PROMOTED = PromotedModel(image=f"registry.example/models/sentiment@{DIGEST}", digest=f"sha256:{'1' * 64}")
CLUSTER = Cluster(kubeconfig="unused", context="unused")
LETTERS, ENDS = "lower-case letters, digits", "with a letter or digit at each end"
PLAIN = ModelArtifactArgs(namespace="models", model_name="sentiment", files=FILES, storage=S3)


@pytest.fixture(autouse=True)
def in_workplace(workplace: Path) -> None:
    """Where the program finds its folders."""


def made(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        model = ModelArtifact("model", dataclasses.replace(PLAIN, **changes))
        for key in ("digest", "path", "image"):
            pulumi.export(key, getattr(model, key))

    return run(program, preview=preview)


def pod(found: Run) -> dict[str, Any]:
    spec: dict[str, Any] = found.one(JOB).inputs["spec"]["template"]["spec"]
    return spec


def environment(found: Run) -> dict[str, str]:
    (container,) = pod(found)["containers"]
    return {entry["name"]: entry.get("value") for entry in container["env"]}


@pytest.mark.parametrize("files", [FILES, PROMOTED], ids=["built", "promoted"])
def test_the_publisher_is_told_the_digest_of_the_files_and_the_path_of_that_name(files: Any) -> None:
    digest = PROMOTED.digest if files is PROMOTED else content.digest(content.files(SOURCE))
    found = made(files=files)
    path = f"sentiment/{digest.removeprefix('sha256:')}"
    assert environment(found)["MODEL_DIGEST"] == found.outputs["digest"] == digest
    assert environment(found)["S3_PREFIX"] == f"{path}/"
    assert found.outputs["path"] == path
    assert pod(found)["containers"][0]["image"] == found.outputs["image"] == PROMOTED.image


def test_the_publishers_image_has_its_program_in_the_root_and_the_models_files_below_artifact() -> None:
    context = Path(made().one("docker-build:index:Image").inputs["context"]["location"])
    staged = sorted(path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file())
    assert staged == ["Dockerfile", "publish.py", "requirements.txt", "root/artifact/vader_lexicon.txt"]


def test_a_promoted_model_is_published_without_being_built() -> None:
    found = made(files=PROMOTED)
    assert not [resource for resource in found.resources if resource.token.startswith("docker")]


def test_the_image_is_pulled_with_the_named_secrets() -> None:
    assert pod(made(image_pull_secrets=["mirror", "team"]))["imagePullSecrets"] == [
        {"name": "mirror"},
        {"name": "team"},
    ]
    assert "imagePullSecrets" not in pod(made())


def test_a_deployment_keeps_the_same_files_published_once_the_job_has_published_them() -> None:
    found = made()
    keeper = found.one(DEPLOYMENT)
    (container,) = keeper.inputs["spec"]["template"]["spec"]["containers"]
    kept = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert kept == environment(found) | {"KEEP_SECONDS": "10"}
    assert found.one(JOB).urn in keeper.dependencies
    assert keeper.inputs["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    assert keeper.inputs["spec"]["replicas"] == 1
    (publisher,) = pod(found)["containers"]
    assert container["securityContext"] == publisher["securityContext"]
    assert (container["resources"]["requests"]["cpu"], publisher["resources"]["requests"]["cpu"]) == ("10m", "50m")


def test_a_bucket_may_be_known_later() -> None:
    def program() -> None:
        bucket = pulumi.Output.from_input("models")
        ModelArtifact("model", dataclasses.replace(PLAIN, storage=dataclasses.replace(S3, bucket=bucket)))

    assert environment(run(program))["S3_BUCKET"] == "models"


def test_a_name_may_be_as_long_as_its_jobs_label_can_be() -> None:
    assert len(made(model_name="a" * 42).one(JOB).inputs["metadata"]["name"]) == 63


def test_a_durable_store_needs_no_deployment() -> None:
    assert not made(keep_published=False).of(DEPLOYMENT)


def test_credentials_are_secret_and_a_certificate_goes_along() -> None:
    (secret,) = made(storage=dataclasses.replace(S3, certificate="PEM")).of("kubernetes:core/v1:Secret")
    assert set(secret.inputs["data"]) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "S3_CERTIFICATE"}
    assert set(secret.inputs["data"].values()) == set(secret.secrets)
    (secret,) = made().of("kubernetes:core/v1:Secret")
    assert set(secret.inputs["data"]) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"storage": dataclasses.replace(S3, bucket=None)},
            "storage.bucket: missing, expected the bucket that the model is published to",
        ),
        ({"storage": dataclasses.replace(S3, bucket="M")}, f"storage.bucket: 'M', expected {LETTERS}, - and ., {ENDS}"),
        ({"model_name": "a" * 43}, f"model_name: '{'a' * 43}', expected at most 42 characters"),
        (
            {"storage": dataclasses.replace(S3, endpoint_url="https://host/s3")},
            "storage.endpoint_url: 'https://host/s3', expected a URL without a path, to publish to",
        ),
        (
            {"files": dataclasses.replace(FILES, source="absent")},
            "files.source: absent is not a folder, expected a folder with the model's files",
        ),
        ({"model_name": "Sentiment"}, f"model_name: 'Sentiment', expected up to 63 {LETTERS} and -, {ENDS}"),
        ({"image_pull_secrets": ["a", "B b"]}, f"image_pull_secrets[1]: 'B b', expected {LETTERS}, - and ., {ENDS}"),
        (
            {"files": dataclasses.replace(FILES, build=BuildArgs(registry="registry.example", cache="x"))},
            "files.build.cache: 'x', expected <host>/<repository>:<tag> (not latest) or gha",
        ),
        (
            {"files": dataclasses.replace(PROMOTED, image="models/sentiment:1")},
            "files.image: 'models/sentiment:1', expected <repository>@sha256:<64 hex digits>",
        ),
        *(
            (
                {"files": dataclasses.replace(PROMOTED, digest=digest)},
                f"files.digest: {digest!r}, expected sha256:<64 hex digits>",
            )
            for digest in ("", "1" * 64, f"sha256:{'1' * 63}", f"sha256:{'A' * 64}", f"sha256:{'1' * 64}\n")
        ),
    ],
)
def test_what_cannot_be_published_is_refused_before_anything_is_registered(
    changes: dict[str, Any], expected: str
) -> None:
    def program() -> None:
        with pytest.raises(InvalidSpecError) as raised:
            ModelArtifact("model", dataclasses.replace(PLAIN, **changes))
        assert [str(problem) for problem in raised.value.problems] == [expected]

    assert run(program).resources == []


@pytest.mark.parametrize(("count", "refused"), [(100, False), (101, True)])
def test_the_puller_takes_a_hundred_files(tmp_path: Path, count: int, refused: bool) -> None:
    for number in range(count):
        (tmp_path / f"{number}").write_text("x")
    args = dataclasses.replace(PLAIN, files=dataclasses.replace(FILES, source=tmp_path))
    expected = ["files.source: 101 files, expected at most 100: ModelMesh's puller leaves out the others"]
    assert [str(problem) for problem in args.problems()] == (expected if refused else [])


@pytest.mark.parametrize(
    ("size", "seconds"),
    [(0, 600), (700_000, 600), (300 * 2**20, 750), (10 * 2**30, 5720), (None, 3600)],
    ids=["empty", "lexicon", "300 MiB", "10 GiB", "promoted"],
)
def test_the_deadline_grows_with_the_model(size: int | None, seconds: int) -> None:
    assert deadline_seconds(size) == seconds


def test_the_job_has_the_deadline_of_its_model(tmp_path: Path) -> None:
    with (tmp_path / "weights").open("wb") as file:
        file.truncate(20 * 2**20)
    large = made(files=dataclasses.replace(FILES, source=tmp_path))
    found = [run.one(JOB).inputs["spec"]["activeDeadlineSeconds"] for run in (made(), large, made(files=PROMOTED))]
    assert found == [600, 610, 3600]


@pytest.mark.parametrize(("mebibytes", "count"), [(200, 0), (201, 2)])
def test_an_update_shows_the_progress_of_a_large_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mebibytes: int, count: int
) -> None:
    async def progress(
        _: Cluster, namespace: str, job: str, *, until: Awaitable[str], report: Callable[[str], None]
    ) -> None:
        report(f"{namespace}/{job} is seen until {await until} is there")

    monkeypatch.setattr(model_artifact, "report_progress", progress)
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda text, **_: told.append(text))
    with (tmp_path / "weights").open("wb") as file:
        file.truncate(mebibytes * 2**20)
    large = dataclasses.replace(FILES, source=tmp_path)
    made(preview=True, files=large, cluster=CLUSTER)
    assert told == []
    job = made(files=large, cluster=CLUSTER).one(JOB).inputs["metadata"]["name"]
    logs = f"kubectl -n models logs --follow job/{job}"
    expected = [
        f"201 MiB, published within 700 s; its progress: {logs}",
        f"models/{job} is seen until model-id is there",
    ]
    assert told == expected[:count]
    told.clear()
    made(files=large)
    assert told == expected[: min(count, 1)], "without a cluster there is no progress to show"


def test_a_preview_of_a_large_model_takes_no_more_memory_than_one_of_a_small_one(tmp_path: Path) -> None:
    """Each in a process of its own, which tells the most memory that it has had, in KiB.

    Python's `getrusage` would count what this process had when it started the other one.
    """
    program = """
import re, sys
from tests.unit.stack.test_model_artifact import FILES, Path, dataclasses, made

made(preview=True, files=dataclasses.replace(FILES, source=Path(sys.argv[1])))
print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""
    peaks = []
    for name, size in {"small": 1, "large": 300 * 2**20}.items():
        (tmp_path / name).mkdir()
        with (tmp_path / name / "weights").open("wb") as file:
            file.truncate(size)
        command = [sys.executable, "-c", program, str(tmp_path / name)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout))
    print(f"peaks in KiB: {peaks}")
    assert peaks[1] - peaks[0] < 32 * 1024


def test_more_files_than_the_puller_fetches_are_refused(tmp_path: Path) -> None:
    for number in range(101):
        (tmp_path / f"{number}.txt").write_text("x")
    with pytest.raises(InvalidSpecError, match=r"files\.source: 101 files, expected at most 100: "):
        made(files=dataclasses.replace(FILES, source=tmp_path))


def test_an_empty_file_which_the_puller_leaves_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("1")
    (tmp_path / "__init__.py").touch()
    with pytest.raises(InvalidSpecError) as raised:
        made(files=dataclasses.replace(FILES, source=tmp_path))
    (problem,) = raised.value.problems
    assert str(problem).startswith('files.source["__init__.py"]: empty, expected some content: ModelMesh')


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("null", ": None, expected a JSON object"),
        ('{"parameters": []}', ".parameters: [], expected a JSON object"),
        ('{"parameters": {"uri": 7}}', ".parameters.uri: 7, expected a text"),
        ('{"max": NaN}', ": not JSON (NaN is not JSON), expected JSON"),
        ("{", ": not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)), expected"),
    ],
)
def test_settings_that_the_adapter_would_end_of_are_refused(tmp_path: Path, settings: str, problem: str) -> None:
    (tmp_path / "model-settings.json").write_text(settings)
    with pytest.raises(InvalidSpecError) as caught:
        made(files=dataclasses.replace(FILES, source=tmp_path))
    assert f'files.source["model-settings.json"]{problem}' in str(caught.value)


def test_settings_of_the_models_own_are_published(tmp_path: Path) -> None:
    (tmp_path / "model-settings.json").write_text('{"parameters": {"uri": "vader_lexicon.txt"}}')
    assert made(files=dataclasses.replace(FILES, source=tmp_path)).outputs["path"]


def test_all_problems_are_told_at_once() -> None:
    broken = dataclasses.replace(PROMOTED, image="x", digest="y")
    assert len(list(broken.problems())) == 2
