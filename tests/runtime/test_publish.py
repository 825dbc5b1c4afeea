"""The publisher against a real MinIO: uploads once, repairs what is missing, and fails with one clear line."""

import contextlib
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest

from components.images import content
from project import ROOT
from project.environments import venv_for
from project.model_server import free_ports
from tests.certificates import issued

PUBLISH = ROOT / "components/stores/publisher"
USER, PASSWORD = "publisher", "not-a-secret-outside-this-test"
TOOLCHAIN = Path(
    os.environ.get("MODELMESH_TOOLCHAIN_BIN") or Path.home() / ".cache/modelmesh-stack/toolchain/current/bin"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A MinIO on the loopback interface: its URL, and the folder where its buckets are."""
    folder = tmp_path_factory.mktemp("minio")
    with minio(folder) as port:
        yield f"http://127.0.0.1:{port}", folder


@contextlib.contextmanager
def minio(folder: Path, certificates: dict[str, str] | None = None) -> Iterator[int]:
    """The port of a MinIO that keeps its buckets in a folder, and speaks TLS if there are certificates."""
    port, console = free_ports(2)
    program = TOOLCHAIN / "minio"
    assert program.exists(), f"{program} is not there: build the embedded toolchain, or set MODELMESH_TOOLCHAIN_BIN"
    argv: list[str | Path] = [
        program,
        "server",
        "--quiet",
        "--address",
        f"127.0.0.1:{port}",
        "--console-address",
        f"127.0.0.1:{console}",
    ]
    if certificates:
        known = folder / ".certificates"
        known.mkdir()
        (known / "public.crt").write_text(certificates["tls.crt"])
        (known / "private.key").write_text(certificates["tls.key"])
        argv += ["--certs-dir", known]
    process = subprocess.Popen(
        [*argv, folder],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD},
    )
    trusted = ssl.create_default_context(cadata=certificates["ca.crt"]) if certificates else None
    try:
        wait_for(lambda: connection(port, trusted), process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def connection(port: int, trusted: ssl.SSLContext | None) -> HTTPConnection:
    if trusted:
        return HTTPSConnection("localhost", port, timeout=2, context=trusted)
    return HTTPConnection("127.0.0.1", port, timeout=2)


def wait_for(connect: Callable[[], HTTPConnection], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        one = connect()
        try:
            one.request("GET", "/minio/health/ready")
            if one.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            one.close()
        time.sleep(0.2)
    raise AssertionError("MinIO did not become ready")


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    folder = tmp_path / "artifact"
    (folder / "deep").mkdir(parents=True)
    (folder / "vader_lexicon.txt").write_text("good\t1.9\n")
    (folder / "deep" / "empty").touch()
    return folder


def digest(artifact: Path) -> str:
    return content.digest(content.files(artifact))


def environment_for(artifact: Path, url: str, **changes: str) -> dict[str, str]:
    return {
        "S3_ENDPOINT": url,
        "S3_BUCKET": "models",
        "S3_PREFIX": "sentiment/abc123",
        "AWS_ACCESS_KEY_ID": USER,
        "AWS_SECRET_ACCESS_KEY": PASSWORD,
        # The stack computes it with this function, so whatever is published here shows that both agree.
        "MODEL_DIGEST": changes.get("MODEL_DIGEST") or digest(artifact),
    } | changes


def publish(artifact: Path, url: str, script: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
    python = venv_for(PUBLISH / "requirements.txt") / "bin/python"
    program = ["-c", script] if script else [PUBLISH / "publish.py"]
    environment = environment_for(artifact, url, **changes)
    return subprocess.run(
        [python, *program, artifact], env=environment, cwd=PUBLISH, capture_output=True, text=True, timeout=120
    )


def test_a_kept_model_is_uploaded_again_whenever_the_store_has_lost_it(store: tuple[str, Path], artifact: Path) -> None:
    url, folder = store
    python = venv_for(PUBLISH / "requirements.txt") / "bin/python"
    environment = environment_for(artifact, url, S3_BUCKET="kept", KEEP_SECONDS="0.1") | {"PYTHONUNBUFFERED": "1"}
    keeper = subprocess.Popen(
        [python, PUBLISH / "publish.py", artifact], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert keeper.stdout
        uploaded = ["made", "uploaded", "uploaded"]
        assert [keeper.stdout.readline().split()[0] for _ in uploaded] == uploaded
        shutil.rmtree(folder / "kept")  # as a pod with an empty disk starts
        assert [keeper.stdout.readline().split()[0] for _ in uploaded] == uploaded
        shutil.rmtree(folder / "kept/sentiment/abc123/deep")
        assert sorted(keeper.stdout.readline().split()[0] for _ in range(2)) == ["present", "uploaded"]
        keeper.terminate()
        assert keeper.wait(10) == 0
    finally:
        keeper.kill()


def test_a_kept_model_fails_when_the_store_rejects_the_credentials(store: tuple[str, Path], artifact: Path) -> None:
    failed = publish(artifact, store[0], AWS_ACCESS_KEY_ID="nobody", KEEP_SECONDS="0.1")
    assert failed.returncode == 1
    assert "publish failed: " in failed.stderr


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


MEASURED = """
import re, publish
publish.PROGRESS_SECONDS = 0.0
code = publish.main()
print(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1], "KiB")
raise SystemExit(code)
"""


def test_a_large_file_takes_no_more_memory_than_a_small_one_and_shows_its_progress(
    store: tuple[str, Path], artifact: Path
) -> None:
    small = publish(artifact, store[0], MEASURED, S3_PREFIX="small")
    assert "uploading" not in small.stdout
    size = 640 * 1024 * 1024
    with (artifact / "weights").open("wb") as file:
        file.truncate(size)
    large = publish(artifact, store[0], MEASURED, S3_PREFIX="large")
    assert (large.returncode, large.stderr) == (0, "")
    print(small.stdout, large.stdout)
    before, peak = (int(done.stdout.splitlines()[-1].split()[0]) for done in (small, large))
    assert peak - before < 64 * 1024
    shown = re.findall(
        rf"^uploading s3://models/large/weights  ([0-9,]+) of {size:,} bytes$", large.stdout, re.MULTILINE
    )
    assert len(shown) > 10
    assert shown == sorted(shown, key=lambda text: int(text.replace(",", "")))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong-secret-key"}, "answered SignatureDoesNotMatch for s3://models: "),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "answered InvalidAccessKeyId for s3://models: "),
        ({"S3_BUCKET": "No_Bucket"}, "No_Bucket"),
        ({"S3_ENDPOINT": "minio:9000"}, "S3_ENDPOINT: expected http(s)://host[:port], got minio:9000"),
        ({"S3_ENDPOINT": "http://127.0.0.1:1"}, "http://127.0.0.1:1: "),
        (
            {"S3_PREFIX": "", "AWS_ACCESS_KEY_ID": "", "MODEL_DIGEST": ""},
            "set S3_PREFIX, AWS_ACCESS_KEY_ID, MODEL_DIGEST",
        ),
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


def test_the_stack_and_the_publisher_compute_one_digest(store: tuple[str, Path], artifact: Path) -> None:
    """Whatever the order in which folders and names are walked."""
    for name in ("deep-er", "deep.er", "deep/Zed", "deep/a b", "ä", "z\nz"):
        (artifact / name).write_text(name)
    done = publish(artifact, store[0], S3_PREFIX="order")
    assert (done.returncode, done.stderr) == (0, "")


def test_files_of_another_digest_are_refused(store: tuple[str, Path], artifact: Path) -> None:
    asked = digest(artifact)
    (artifact / "vader_lexicon.txt").write_text("good\t1.8\n")
    failed = publish(artifact, store[0], MODEL_DIGEST=asked, S3_BUCKET="refused")
    reason = f"the files in {artifact} have the digest {digest(artifact)}, but MODEL_DIGEST asks for {asked}"
    assert (failed.returncode, failed.stderr) == (1, f"publish failed: {reason}\n")
    assert not (store[1] / "refused").exists()


def test_a_store_is_trusted_by_its_own_certificate_and_by_no_other(tmp_path: Path, artifact: Path) -> None:
    certificates, others = issued("localhost"), issued("localhost")
    folder = tmp_path / "minio"
    folder.mkdir()
    with minio(folder, certificates) as port:
        url = f"https://localhost:{port}"
        done = publish(artifact, url, S3_CERTIFICATE=certificates["ca.crt"])
        assert (done.returncode, done.stderr) == (0, "")
        failed = publish(artifact, url, S3_CERTIFICATE=others["ca.crt"])
        (line,) = failed.stderr.splitlines()
        assert failed.returncode == 1
        assert "certificate verify failed" in line


def test_nothing_to_publish_is_a_failure(store: tuple[str, Path], tmp_path: Path) -> None:
    failed = publish(tmp_path, store[0], MODEL_DIGEST="any")
    assert (failed.returncode, failed.stderr) == (1, f"publish failed: {tmp_path} holds no files\n")
