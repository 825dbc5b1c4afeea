"""Limits on the bodies of REST calls, and on the calls that MLServer counts in its metrics.

MLServer accepts bodies of any size, even small gzip bodies that unpack to large ones. Here the limit is eight times
the limit of gRPC messages, since JSON may encode one byte as six characters, and larger bodies get 413. A method that
HTTP does not have would get separate series, and a malformed host would cause 500; here neither is counted.
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


@functools.cache  # cached: MLServer reads its settings when it imports this module
def _most_bytes() -> int | None:
    most = Settings().grpc_max_message_length or 4 * 2**20
    # In MLServer a negative value means no limit; a proxy may have one.
    return 8 * most if most > 0 else None


async def body(self: RestRequest) -> bytes:
    """Read a body and decompress it if it is gzip.

    Raises:
        HTTPException: It is too large (413).
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
        raise HTTPException(status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, f"expected at most {most} bytes")


async def counted(self: Any, scope: Any, receive: Any, send: Any) -> None:
    """Count a call in MLServer's metrics if it is a valid HTTP request."""
    if scope["type"] == "http" and (scope["method"] not in _METHODS or not _has_url(scope)):
        await self.app(scope, receive, send)
    else:
        await _counted_by_mlserver(self, scope, receive, send)


def _has_url(scope: Any) -> bool:
    if not any(b"[" in value or b"]" in value for name, value in scope["headers"] if name == b"host"):
        return True
    try:
        URL(scope=scope).components  # noqa: B018  (parses the URL)
    except ValueError:
        return False
    return True
