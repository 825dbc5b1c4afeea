"""A proxy that leads nowhere and keeps what it is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit


class _Handler(BaseHTTPRequestHandler):
    asked: list[str]

    def do_CONNECT(self) -> None:
        self.asked.append(str(urlsplit(self.path if "://" in self.path else f"//{self.path}").hostname))
        self.send_error(502)

    do_GET = do_HEAD = do_POST = do_CONNECT  # noqa: N815  the names of methods

    def log_message(self, *_: object) -> None:
        """Keep the output of tests short."""


@contextmanager
def recording_proxy() -> Iterator[tuple[str, list[str]]]:
    """Provide the URL of the proxy and the hosts of its requests, which grow while the block runs."""
    asked: list[str] = []
    handler = type("Handler", (_Handler,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
