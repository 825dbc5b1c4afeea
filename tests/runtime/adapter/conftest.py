"""One MinIO, one server and one adapter for all tests of this folder; each test loads models of its own."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.protos import compile_once

compile_once()

from tests.runtime.adapter.pod import AdapterPod  # noqa: E402  (needs the messages)


@pytest.fixture(scope="session")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdapterPod]:
    """The processes."""
    with ExitStack() as stack:
        yield AdapterPod(tmp_path_factory.mktemp("adapter"), stack)


@pytest.fixture(autouse=True)
def nothing_is_left(pod: AdapterPod) -> Iterator[None]:
    """A test unloads what it loads; and none of them ends the server or the adapter."""
    yield
    assert pod.server.process.poll() is None, pod.server.log.read_text()
    assert pod.adapter.process.poll() is None, pod.adapter.log.read_text()
    left = pod.index()
    pod.call("runtimeStatus")
    assert left == {}
    assert pod.server.client.call("ServerReady").ready
