"""SIGTERM drains: what is being answered is answered, what comes later is refused, and the exit code is 0."""

import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import grpc
import pytest

from project.environments import venv_for
from project.model_server import ModelServer
from tests.runtime.conftest import EXAMPLE
from tests.runtime.server import RUNTIME, RuntimeServer
from tests.runtime.ways import WAYS, grpc_typed

SENTENCE = "The food was not very good, but the staff were really GREAT!!! "
LONG = [SENTENCE * 20] * 1000


@pytest.fixture
def server(tmp_path: Path, example_files: dict[str, bytes]) -> Iterator[RuntimeServer]:
    server = RuntimeServer(venv_for(RUNTIME / "requirements.txt"), tmp_path)
    try:
        server.wait_until_live()
        server.lay_out(EXAMPLE, example_files)
        server.load(EXAMPLE)
        yield server
    finally:
        server.stop()


def in_progress(server: RuntimeServer) -> int:
    """Requests for scores that the server has begun to answer."""
    with urlopen(server.metrics_url, timeout=10) as response:  # noqa: S310  (the server's own)
        text = response.read().decode()
    over_grpc = [
        sum(map(float, re.findall(rf'^grpc_server_{state}_total\{{.*"ModelInfer".*\}} (\S+)', text, re.MULTILINE)))
        for state in ("started", "handled")
    ]
    over_rest = re.findall(r'^rest_server_requests_in_progress\{.*method="POST".*\} (\S+)', text, re.MULTILINE)
    return int(over_grpc[0] - over_grpc[1] + sum(map(float, over_rest)))


def test_requests_under_way_are_answered_before_the_server_ends(server: RuntimeServer) -> None:
    with ThreadPoolExecutor(len(WAYS)) as pool:
        answers = [pool.submit(ask, server.client, EXAMPLE, LONG) for ask in WAYS]
        while in_progress(server) < len(WAYS):
            assert not any(answer.done() for answer in answers), "too quick for this test"
            time.sleep(0.01)
        server.process.terminate()
        assert [len(answer.result()) for answer in answers] == [len(LONG)] * len(WAYS)
    assert server.process.wait(20) == 0, server.log.read_text()


def test_a_load_of_requests_is_answered_or_refused_but_never_cut(server: RuntimeServer) -> None:
    answered = [0] * 4

    def ask_until_refused(client: int) -> grpc.StatusCode:
        while True:
            try:
                answered[client] += len(grpc_typed(server.client, EXAMPLE, [SENTENCE] * 100))
            except grpc.RpcError as error:
                return error.code()

    with ThreadPoolExecutor(len(answered)) as pool:
        codes = [pool.submit(ask_until_refused, client) for client in range(len(answered))]
        while min(answered) < 1000:
            assert not any(code.done() for code in codes)
            time.sleep(0.01)
        server.process.terminate()
        assert {code.result() for code in codes} == {grpc.StatusCode.UNAVAILABLE}
    assert server.process.wait(20) == 0, server.log.read_text()
    assert "ERROR" not in server.log.read_text()


def test_a_server_that_is_still_starting_ends_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        server = ModelServer(venv_for(RUNTIME / "requirements.txt"), RUNTIME, tmp_path, os.environ, log=log)
    while not catches(server.process.pid, signal.SIGTERM):
        assert server.process.poll() is None
    server.process.terminate()
    assert server.process.wait(20) == 0
    assert "running on" not in (tmp_path / "log").read_text()


def catches(pid: int, number: signal.Signals) -> bool:
    caught = re.search(r"^SigCgt:\s+(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(caught and int(caught[1], 16) >> (number - 1) & 1)
