"""The publisher against a real MinIO: uploads once, repairs what is missing, and fails with one clear line."""

import os
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.runtime.server import RUNTIME, free_ports
from tests.venvs import venv_for

PUBLISH = RUNTIME / "publish"
USER, PASSWORD = "publisher", "not-a-secret-outside-this-test"
TOOLCHAIN = Path(os.environ.get("MODELMESH_TOOLCHAIN_BIN") or Path.home() / ".cache/modelmesh-stack/toolchain/current/bin")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A MinIO on the loopback interface: its URL, and the folder where its buckets are."""
    port, console = free_ports(2)
    url, folder = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("minio")
    minio = TOOLCHAIN / "minio"
    assert minio.exists(), f"{minio} is not there: build the embedded toolchain, or set MODELMESH_TOOLCHAIN_BIN"
    process = subprocess.Popen(
        [
            minio,
            "server",
            "--quiet",
            "--address",
            f"127.0.0.1:{port}",
            "--console-address",
            f"127.0.0.1:{console}",
            folder,
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD},
    )
    try:
        wait_for(port, process)
        yield url, folder
    finally:
        process.terminate()
        process.wait(20)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/minio/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    raise AssertionError(f"MinIO did not become ready on port {port}")


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    folder = tmp_path / "artifact"
    (folder / "deep").mkdir(parents=True)
    (folder / "vader_lexicon.txt").write_text("good\t1.9\n")
    (folder / "deep" / "empty").touch()
    return folder


def publish(artifact: Path, url: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "S3_ENDPOINT": url,
        "S3_BUCKET": "models",
        "S3_PREFIX": "sentiment/abc123",
        "AWS_ACCESS_KEY_ID": USER,
        "AWS_SECRET_ACCESS_KEY": PASSWORD,
    } | changes
    python = venv_for(PUBLISH / "requirements.txt") / "bin/python"
    return subprocess.run(
        [python, PUBLISH / "publish.py", artifact], env=environment, capture_output=True, text=True, timeout=120
    )


def test_uploads_everything_once(store: tuple[str, Path], artifact: Path) -> None:
    url, folder = store
    done = publish(artifact, url, S3_BUCKET="once")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "made      s3://once",
        "uploaded  s3://once/sentiment/abc123/deep/empty  0 bytes",
        "uploaded  s3://once/sentiment/abc123/vader_lexicon.txt  9 bytes",
    ]
    assert (folder / "once/sentiment/abc123/vader_lexicon.txt").exists()

    again = publish(artifact, url, S3_BUCKET="once")
    assert [line.split()[0] for line in again.stdout.splitlines()] == ["present", "present"]


def test_uploads_again_what_differs_at_equal_size(store: tuple[str, Path], artifact: Path) -> None:
    publish(artifact, store[0])
    (artifact / "vader_lexicon.txt").write_text("good\t1.8\n")
    again = publish(artifact, store[0])
    assert [line.split()[0] for line in again.stdout.splitlines()] == ["present", "uploaded"]


def test_large_file_goes_up_in_parts_and_is_known_again(store: tuple[str, Path], artifact: Path) -> None:
    with (artifact / "large").open("wb") as file:
        file.truncate(70 * 1024 * 1024)
    assert (
        "uploaded  s3://models/large/large  73,400,320 bytes" in publish(artifact, store[0], S3_PREFIX="/large/").stdout
    )
    assert "present   s3://models/large/large" in publish(artifact, store[0], S3_PREFIX="large").stdout


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong-secret-key"}, "answered SignatureDoesNotMatch for s3://models: "),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "answered InvalidAccessKeyId for s3://models: "),
        ({"S3_BUCKET": "No_Bucket"}, "No_Bucket"),
        ({"S3_ENDPOINT": "minio:9000"}, "S3_ENDPOINT: expected http(s)://host[:port], got minio:9000"),
        ({"S3_ENDPOINT": "http://127.0.0.1:1"}, "http://127.0.0.1:1: "),
        ({"S3_PREFIX": "", "AWS_ACCESS_KEY_ID": ""}, "set S3_PREFIX, AWS_ACCESS_KEY_ID"),
    ],
    ids=["secret", "user", "bucket", "endpoint", "unreachable", "missing"],
)
def test_failure_is_one_line_without_a_secret(
    store: tuple[str, Path], artifact: Path, changes: dict[str, str], reason: str
) -> None:
    failed = publish(artifact, store[0], **changes)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("publish failed: ")
    assert reason in line
    assert PASSWORD not in failed.stdout + failed.stderr
    assert "wrong-secret-key" not in line


def test_nothing_to_publish_is_a_failure(store: tuple[str, Path], tmp_path: Path) -> None:
    failed = publish(tmp_path, store[0])
    assert (failed.returncode, failed.stderr) == (1, f"publish failed: {tmp_path} holds no files\n")
