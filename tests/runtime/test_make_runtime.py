"""`make runtime` in a clean checkout, as at a terminal: what it prints works when it is pasted, and Ctrl-C ends it."""

import ast
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from project import ROOT
from tests.cluster.checkout import copied
from tests.runtime.server import RUNTIME

# In a shell's background Ctrl-C is ignored, and what is ignored is inherited.
COMMAND = ("env", "--default-signal=INT", ".venv/bin/python", "-m", "cli", "runtime")
LAST = "until Ctrl-C"


@dataclass(frozen=True)
class Terminal:
    """The command at work in a checkout, and what it printed up to then."""

    process: subprocess.Popen[bytes]
    checkout: Path
    printed: str

    def paste(self, beginning: str) -> str:
        """Run the printed line that begins so, as a shell does; what that prints."""
        (line,) = [line for line in self.printed.splitlines() if line.startswith(beginning)]
        return subprocess.run(line, shell=True, cwd=self.checkout, check=True, capture_output=True, text=True).stdout  # noqa: S602


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(tmp_path_factory.mktemp("checkout"))
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@pytest.fixture(scope="module")
def terminal(checkout: Path) -> Iterator[Terminal]:
    log = checkout.with_name("terminal.log")
    with log.open("wb") as output:
        process = subprocess.Popen(COMMAND, cwd=checkout, stdout=output, stderr=output, start_new_session=True)
    deadline = time.monotonic() + 300  # the environment may have to be built
    while LAST not in log.read_text() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    yield Terminal(process, checkout, log.read_text())
    process.terminate()
    process.wait()


def test_it_answers_a_first_request_of_its_own(terminal: Terminal) -> None:
    assert LAST in terminal.printed, terminal.printed
    (answer,) = [line for line in terminal.printed.splitlines() if line.startswith('{"model_name"')]
    scores = {each["name"]: each["data"] for each in json.loads(answer)["outputs"]}
    assert scores["compound"] == pytest.approx([0.8478], abs=5e-4)
    assert scores["label"] == ["positive"]


def test_the_line_for_rest_works_when_it_is_pasted(terminal: Terminal) -> None:
    answer = json.loads(terminal.paste("curl "))
    assert {each["name"]: each["data"] for each in answer["outputs"]}["label"] == ["positive"]


def test_the_line_for_grpc_works_when_it_is_pasted(terminal: Terminal) -> None:
    answer = ast.literal_eval(terminal.paste(".venv/bin/python "))
    assert answer["compound"] == pytest.approx([0.8478], abs=5e-4)
    assert answer["label"] == [b"positive"]


def test_it_tells_where_it_listens_and_that_is_this_machine_alone(terminal: Terminal) -> None:
    addresses = re.findall(r"^  (?:REST|gRPC|metrics) +(?:http://)?([\d.]+):(\d+)", terminal.printed, re.MULTILINE)
    assert [host for host, _ in addresses] == ["127.0.0.1"] * 3
    for host, port in addresses:
        socket.create_connection((host, int(port))).close()


def test_ctrl_c_ends_it_cleanly(terminal: Terminal) -> None:
    os.killpg(terminal.process.pid, signal.SIGINT)  # as a terminal does: all that it started hear it
    assert terminal.process.wait(60) == 0
    for port in re.findall(r"127\.0\.0\.1:(\d+)", terminal.printed):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port))).close()
    assert sorted(path.name for path in (terminal.checkout / "runtimes/sentiment").iterdir()) == sorted(
        path.name for path in RUNTIME.iterdir() if not path.name.startswith((".ruff", ".mypy", "__"))
    )


@pytest.mark.parametrize(
    ("arguments", "broken", "message"),
    [
        (["--model", "zerstört 1.txt"], "zerstört 1.txt", "zerstört 1.txt:1: expected two columns"),
        ([], "runtimes/sentiment/sentiment_model.py", "the model server ended with exit code 1; its log is above"),
    ],
)
def test_what_cannot_be_served_ends_it_with_what_to_correct(
    checkout: Path, arguments: list[str], broken: str, message: str
) -> None:
    file = checkout / broken
    before = file.read_text() if file.exists() else ""
    file.write_text("broken\n")
    try:
        ended = subprocess.run([*COMMAND, *arguments], cwd=checkout, capture_output=True, text=True)
    finally:
        file.write_text(before)
    assert ended.returncode == 1
    assert re.search(rf"^✗ .*{re.escape(message)}.*and run make runtime again$", ended.stderr, re.MULTILINE)


@pytest.mark.parametrize(
    ("runtime", "output", "data"),
    [
        ("onnx", "product", [6, 9]),
        ("scikit-learn", "prediction", ["setosa"]),
        ("language", "language", ["en"]),
    ],
)
def test_each_example_has_a_sample_model(checkout: Path, runtime: str, output: str, data: list[Any]) -> None:
    command = [*COMMAND, "--runtime", f"runtimes/{runtime}"]
    with subprocess.Popen(
        command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        printed = []
        for line in process.stdout:
            printed.append(line)
            if LAST in line:
                process.send_signal(signal.SIGINT)
    (answer,) = [json.loads(line) for line in printed if line.startswith('{"model_name"')]
    assert {each["name"]: each["data"] for each in answer["outputs"]}[output] == data


def test_a_server_that_is_ended_by_somebody_else_is_told(checkout: Path) -> None:
    with subprocess.Popen(
        COMMAND, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if LAST in line:
                (server,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
                os.kill(int(server), signal.SIGKILL)
        last = line
    assert process.returncode == 1
    assert re.match(r"✗ the model server ended with exit code -9; .*and run make runtime again$", last)
