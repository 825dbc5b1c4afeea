"""Uploads the files of a model to a bucket; the program of the publisher image.

The path in the bucket is expected to contain the content's digest (`<model>/<digest>`), so no object is overwritten
with other content, and none is deleted. Running the program again only uploads what is missing. Files with another
digest than `MODEL_DIGEST` are rejected. Files are read as streams, so memory does not grow with their size.

With `KEEP_SECONDS` the program does not end: it looks into the bucket that often, and uploads what the store has lost.

Environment: S3_ENDPOINT (URL), S3_BUCKET, S3_PREFIX, S3_REGION (optional), S3_CERTIFICATE (optional: PEM text of an
additional authority to trust), AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, MODEL_DIGEST (`sha256:…` of the files),
KEEP_SECONDS (optional).
"""

import hashlib
import os
import signal
import ssl
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

ARTIFACT = Path("/artifact")
# Larger files are uploaded in parts of this size, which decides their etag; S3 supports up to 10,000 parts.
PART_SIZE = 16 * 1024 * 1024
PROGRESS_SECONDS = 10.0


class PublishError(Exception):
    """The files could not be published; users only see the message."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Destination of the files."""

    endpoint: str
    """URL of the store."""
    bucket: str
    prefix: str
    """Path inside the bucket, without leading or trailing slashes."""
    digest: str
    """Expected digest of the files."""
    region: str
    """Region of the store, or empty."""
    certificate: str
    """PEM text of an additional authority to trust, or empty."""
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    @classmethod
    def from_environment(cls) -> "Target":
        """Read the variables of the module's docstring, or report all that are missing."""
        required = (
            "S3_ENDPOINT", "S3_BUCKET", "S3_PREFIX", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MODEL_DIGEST",
        )  # fmt: skip
        missing = [name for name in required if not os.environ.get(name)]
        if missing:
            raise PublishError(f"set {', '.join(missing)}")
        return cls(
            endpoint=os.environ["S3_ENDPOINT"],
            bucket=os.environ["S3_BUCKET"],
            prefix=os.environ["S3_PREFIX"].strip("/"),
            digest=os.environ["MODEL_DIGEST"],
            region=os.environ.get("S3_REGION", ""),
            certificate=os.environ.get("S3_CERTIFICATE", ""),
            access_key=os.environ["AWS_ACCESS_KEY_ID"],
            secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        )


class Progress:
    """Progress of the upload of one object, printed every `PROGRESS_SECONDS`; called by the S3 client."""

    def __init__(self, target: Target) -> None:
        self._target, self._object, self._size, self._done = target, "", 0, 0
        self._printed = time.monotonic()

    def set_meta(self, object_name: str, total_length: int) -> None:
        """Start with an object."""
        self._object, self._size, self._done = object_name, total_length, 0

    def update(self, length: int) -> None:
        """Count bytes that are about to be sent."""
        self._done += length
        if time.monotonic() - self._printed >= PROGRESS_SECONDS and self._done < self._size:
            self._printed = time.monotonic()
            done = f"{self._done:,} of {self._size:,} bytes"
            print(f"uploading s3://{self._target.bucket}/{self._object}  {done}")


def connect(target: Target) -> Minio:
    """Create a client that gives up on a store after a minute instead of the library's many."""
    url = urlsplit(target.endpoint)
    if url.scheme not in ("http", "https") or not url.netloc or url.path.strip("/"):
        raise PublishError(f"S3_ENDPOINT: expected http(s)://host[:port], got {target.endpoint}")
    trusted = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())
    if target.certificate:
        trusted.load_verify_locations(cadata=target.certificate)
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=5, read=60),
        retries=urllib3.Retry(total=4, backoff_factor=0.5, status_forcelist=[500, 502, 503, 504]),
        ssl_context=trusted,
    )
    return Minio(
        endpoint=url.netloc,
        access_key=target.access_key,
        secret_key=target.secret_key,
        secure=url.scheme == "https",
        region=target.region or None,
        http_client=pool,
    )


def checked(artifact: Path, digest: str) -> list[Path]:
    """Return all files below `artifact`.

    Raises:
        PublishError: They do not have this digest.
    """
    files = sorted(path for path in artifact.rglob("*") if path.is_file())
    if not files:
        raise PublishError(f"{artifact} holds no files")
    if (found := digest_of(artifact, files)) != digest:
        raise PublishError(f"the files in {artifact} have the digest {found}, but MODEL_DIGEST asks for {digest}")
    return files


def digest_of(artifact: Path, files: list[Path]) -> str:
    """Return `sha256:…` over paths and contents, as `components/images/content.py` computes it."""
    lines = []
    for name, path in sorted((path.relative_to(artifact).as_posix(), path) for path in files):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def publish(client: Minio, target: Target, artifact: Path, files: list[Path]) -> None:
    """Upload these files from `artifact`, and make the bucket if it does not exist."""
    if not client.bucket_exists(bucket_name=target.bucket):
        make_bucket(client, target.bucket)
    for path in files:
        name = f"{target.prefix}/{path.relative_to(artifact).as_posix()}"
        size = path.stat().st_size
        done = "present " if is_there(client, target.bucket, name, path) else "uploaded"
        if done == "uploaded":
            client.fput_object(
                bucket_name=target.bucket,
                object_name=name,
                file_path=str(path),
                part_size=PART_SIZE,
                num_parallel_uploads=1,  # with several, the client reads the whole file ahead of them into memory
                progress=Progress(target),
            )
        print(f"{done}  s3://{target.bucket}/{name}  {size:,} bytes")


def keep(client: Minio, target: Target, artifact: Path, files: list[Path], seconds: float) -> None:
    """Upload the files again whenever one is missing, until the process is terminated.

    Raises:
        S3Error: The store rejects a request. After a restart, the container has the current credentials.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container ignores it by default
    names = {f"{target.prefix}/{path.relative_to(artifact).as_posix()}" for path in files}
    while True:
        try:
            if not names <= present(client, target):
                publish(client, target, artifact, files)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            print(f"{target.endpoint} does not answer, trying again: {' '.join(str(error).split())}")
        time.sleep(seconds)


def present(client: Minio, target: Target) -> set[str]:
    """Return the names of the model's objects in the bucket; none if there is no bucket."""
    if not client.bucket_exists(bucket_name=target.bucket):
        return set()
    found = client.list_objects(bucket_name=target.bucket, prefix=f"{target.prefix}/", recursive=True)
    return {str(each.object_name) for each in found}


def make_bucket(client: Minio, bucket: str) -> None:
    """Create a bucket; that another publisher has just created it is not an error."""
    try:
        client.make_bucket(bucket_name=bucket)
    except S3Error as error:
        if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
    print(f"made      s3://{bucket}")


def is_there(client: Minio, bucket: str, name: str, path: Path) -> bool:
    """Return whether the bucket has this object with the file's size and content."""
    try:
        found = client.stat_object(bucket_name=bucket, object_name=name)
    except S3Error as error:
        if error.code != "NoSuchKey":
            raise
        return False
    return found.size == path.stat().st_size and found.etag == etag(path)


def etag(path: Path) -> str:
    """Return the etag of an unencrypted upload: MD5 of the content, or of its parts' MD5s and their number."""
    parts = []
    with path.open("rb") as file:
        while part := file.read(PART_SIZE):
            parts.append(hashlib.md5(part, usedforsecurity=False))
    if len(parts) <= 1:
        return (parts or [hashlib.md5(usedforsecurity=False)])[0].hexdigest()
    joined = hashlib.md5(b"".join(part.digest() for part in parts), usedforsecurity=False)
    return f"{joined.hexdigest()}-{len(parts)}"


def main() -> int:
    """Publish `/artifact`, or the directory that is the only argument. Print one line and return 1 if that fails."""
    artifact = Path(sys.argv[1]) if len(sys.argv) > 1 else ARTIFACT
    try:
        target = Target.from_environment()
        client, files = connect(target), checked(artifact, target.digest)
        if seconds := os.environ.get("KEEP_SECONDS"):
            keep(client, target, artifact, files, float(seconds))
        publish(client, target, artifact, files)
    except PublishError as error:
        reason = str(error)
    except S3Error as error:
        reason = f"{target.endpoint} answered {error.code} for s3://{target.bucket}: {error.message}"
    except (MinioException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        reason = " ".join(f"{os.environ.get('S3_ENDPOINT')}: {error}".split())
    else:
        return 0
    print(f"publish failed: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
