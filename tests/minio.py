"""A real MinIO for the tests, and the little of S3 that it takes to fill a bucket."""

import contextlib
import hashlib
import hmac
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import reduce
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

from tests.processes import BIN, free_port, running

USER, PASSWORD, REGION = "tester", "only-inside-this-test", "us-south"


class Bucket:
    """One bucket of a store.

    Args:
        address: host and port of the store.
        name: the bucket's.
    """

    def __init__(self, address: str, name: str) -> None:
        self.address, self.name = address, name

    def made(self) -> bool:
        """Make the bucket, if the store is up. It says that it is healthy a little too early."""
        with contextlib.suppress(OSError):
            return self._send("PUT", f"/{self.name}") == HTTPStatus.OK
        return False

    def put(self, key: str, content: bytes) -> None:
        """Store an object, in place of one of the same key."""
        assert self._send("PUT", f"/{self.name}/{key}", content) == HTTPStatus.OK, key

    def delete(self, key: str) -> None:
        """Remove an object."""
        assert self._send("DELETE", f"/{self.name}/{key}") == HTTPStatus.NO_CONTENT, key

    def storage(self) -> dict[str, str]:
        """The entry of `storage-config` that names this bucket."""
        return {
            "type": "s3",
            "access_key_id": USER,
            "secret_access_key": PASSWORD,
            "endpoint_url": f"http://{self.address}",
            "default_bucket": self.name,
            "region": REGION,
        }

    def _send(self, method: str, path: str, body: bytes = b"") -> int:
        connection = HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, quote(path), body, signature(method, self.address, quote(path), body))
            return connection.getresponse().status
        finally:
            connection.close()


@contextlib.contextmanager
def running_minio(folder: Path, name: str) -> Iterator[Bucket]:
    """The one bucket of a MinIO that keeps its data in a folder."""
    address, console = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    bucket, data = Bucket(address, name), folder / "minio"
    data.mkdir()
    command: list[str | Path] = [
        BIN / "minio", "server", "--quiet", "--address", address, "--console-address", console, data
    ]  # fmt: skip
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD
    }  # fmt: skip
    with running("minio", command, bucket.made, folder=folder, endpoint=address, env=environment):
        yield bucket


def signature(method: str, host: str, path: str, body: bytes) -> dict[str, str]:
    """The headers that sign a request without a query (AWS Signature Version 4)."""
    now = datetime.now(UTC)
    date, stamp, digest = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}", hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{digest}"
    scope = [date, REGION, "s3", "aws4_request"]
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{'/'.join(scope)}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = reduce(lambda secret, part: hmac.digest(secret, part.encode(), "sha256"), scope, f"AWS4{PASSWORD}".encode())
    signed = hmac.new(key, text.encode(), "sha256").hexdigest()
    credential = f"Credential={USER}/{'/'.join(scope)}, SignedHeaders={names}, Signature={signed}"
    return headers | {"Authorization": f"AWS4-HMAC-SHA256 {credential}"}
