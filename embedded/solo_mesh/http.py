"""A GET-only HTTP server for probes, the preStop hook and the metrics scraper."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

_READ_SECONDS = 10.0


@dataclass(frozen=True)
class Response:
    """Status and body of a response."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


Route = Callable[[], Awaitable[Response]]


async def serve(port: int, routes: Mapping[str, Route], tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Answer GET on the given paths, with or without a trailing slash, on all interfaces."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _READ_SECONDS)
            verb, target, *_ = [*head.decode("latin-1").split("\r\n", 1)[0].split(" "), "", ""]
            route = routes.get(target.partition("?")[0].rstrip("/"))
            response = await route() if route and verb == "GET" else Response(405 if route else 404)
            writer.write(
                f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}\r\n"
                f"Content-Type: {response.content_type}\r\n"
                f"Content-Length: {len(response.body)}\r\nConnection: close\r\n\r\n".encode()
                + response.body
            )
            await writer.drain()
        writer.close()

    return await asyncio.start_server(handle, port=port, ssl=tls)
