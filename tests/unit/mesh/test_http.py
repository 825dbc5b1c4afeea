"""Probes and metrics are answered over plain HTTP and, with a certificate of our own, over HTTPS."""

import asyncio
import socket
import ssl
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from embedded.solo_mesh import metrics
from embedded.solo_mesh.http import Response, serve
from embedded.solo_mesh.tls import self_signed


def get(url: str, method: str = "GET") -> tuple[int, bytes]:
    try:
        context = ssl._create_unverified_context() if url.startswith("https") else None  # noqa: S323
        with urlopen(Request(url, method=method), timeout=5, context=context) as reply:  # noqa: S310
            return reply.status, reply.read()
    except HTTPError as error:
        return error.code, error.read()


def port_of(server: asyncio.Server) -> int:
    return next(int(each.getsockname()[1]) for each in server.sockets if each.family == socket.AF_INET)


async def ready() -> Response:
    return Response(503, b"not yet")


async def live() -> Response:
    return Response(200, b"alive")


async def test_paths_are_answered_with_or_without_a_slash() -> None:
    async with await serve(0, {"/ready": ready, "/live": live}) as server:
        url = f"http://127.0.0.1:{port_of(server)}"
        assert await asyncio.to_thread(get, f"{url}/live") == (200, b"alive")
        assert await asyncio.to_thread(get, f"{url}/live/?x=1") == (200, b"alive")
        assert await asyncio.to_thread(get, f"{url}/ready") == (503, b"not yet")
        assert (await asyncio.to_thread(get, f"{url}/other"))[0] == 404
        assert (await asyncio.to_thread(get, f"{url}/live", "POST"))[0] == 405


async def test_https_has_a_certificate_of_its_own() -> None:
    async with await serve(0, {"/live": live}, self_signed()) as server:
        assert await asyncio.to_thread(get, f"https://127.0.0.1:{port_of(server)}/live") == (200, b"alive")


def test_metrics_say_what_this_is() -> None:
    text = metrics.render().decode()
    assert 'solo_mesh_info{name="solo-mesh",stands_in_for="kserve/modelmesh:v0.12.0"' in text
    assert "modelmesh_instance_models_total" in text
