"""Lets REST calls through to MLServer's endpoints: bodies that are not too large, and past the metrics what is no HTTP.

To MLServer a body may be of any size, and a small one of gzip unpack to one. Here it is 413 from eight times what gRPC
takes, as JSON may write one byte as six characters. And a method that HTTP does not have would get series of its own,
and a host that is none would end in 500; here neither is counted.
"""

import functools
import gzip
import io
from typing import Any

from fastapi import status
from mlserver.rest.requests import Request as RestRequest
from mlserver.settings import Settings
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette_exporter import PrometheusMiddleware

_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
_counted_by_mlserver: Any = PrometheusMiddleware.__call__


@functools.cache  # late: MLServer reads its settings when it imports this module
def _most_bytes() -> int | None:
    most = Settings().grpc_max_message_length or 4 * 2**20
    # Below 0 MLServer means any size: whoever is in front of it has a limit.
    return 8 * most if most > 0 else None


async def body(self: RestRequest) -> bytes:
    """Read a body, and unpack it where it is gzip.

    Raises:
        HTTPException: it is too large (413).
    """
    if not hasattr(self, "_body"):
        read, most = bytearray(), _most_bytes()
        async for part in self.stream():
            read += part
            _check_size(read, most)
        if "gzip" in self.headers.getlist("Content-Encoding"):
            with gzip.GzipFile(fileobj=io.BytesIO(read)) as file:
                read = bytearray(file.read(-1 if most is None else most + 1))
            _check_size(read, most)
        self._body = bytes(read)
    return self._body


def _check_size(read: bytearray, most: int | None) -> None:
    if most is not None and len(read) > most:
        raise HTTPException(status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, f"expected {most} bytes at the most")


async def counted(self: Any, scope: Any, receive: Any, send: Any) -> None:
    """Pass a call through MLServer's metrics, or past them."""
    if scope["type"] == "http" and (scope["method"] not in _METHODS or not _has_url(scope)):
        await self.app(scope, receive, send)
    else:
        await _counted_by_mlserver(self, scope, receive, send)


def _has_url(scope: Any) -> bool:
    if not any(b"[" in value or b"]" in value for name, value in scope["headers"] if name == b"host"):
        return True
    try:
        URL(scope=scope).components  # noqa: B018  (which it looks at only now)
    except ValueError:
        return False
    return True
