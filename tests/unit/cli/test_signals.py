"""An engine never outlives the command that started it, and is never interrupted twice."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from project import ROOT
from tests.unit.cli.conftest import Programs

ENGINE = """\
trap 'echo INT; interrupted=yes' INT
trap 'echo TERM' TERM
trap 'echo HUP' HUP
sleep 0.5
echo ready
while [ ! "$interrupted" ]; do sleep 0.05; done
for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; done
echo ended"""
"""It is ready when the command certainly waits for it, and ends half a second after the first interrupt, in which it
would report another one."""
COMMAND = """\
import sys, types
from pathlib import Path
from cli import __main__ as program
from cli.stack import on_no_node
down = lambda _: on_no_node("prod", Path(sys.argv[1])).pulumi("destroy")
sys.modules["cli.operations"] = types.SimpleNamespace(down=down)  # the module itself takes a second to load
program.main(["down"])"""

Command = subprocess.Popen[str]


@pytest.fixture
def running(programs: Programs, checkout: Path, interruptible: None) -> Iterator[Command]:
    """A command whose engine is at work; both write to the same pipe."""
    assert interruptible is None
    programs.add("pulumi", ENGINE)
    command = [sys.executable, "-c", COMMAND, str(checkout)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()  # also ends the engine


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_the_engine_is_interrupted_once_and_waited_for(
    running: Command, number: int, code: int, send: Callable[[int, int], None]
) -> None:
    """The signal goes to the command alone, or to its whole process group as from `timeout` or a CI runner."""
    send(running.pid, number)
    printed, told = running.communicate(timeout=30)
    assert printed == "INT\nended\n"
    assert "pulumi destroy was stopped, and may be incomplete" in told
    assert running.returncode == code


@pytest.mark.usefixtures("interruptible")
def test_a_terminal_s_ctrl_c_reaches_the_engine_once(programs: Programs, checkout: Path) -> None:
    programs.add("pulumi", ENGINE)
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", COMMAND, str(checkout)])  # noqa: S606  no shell is needed
    with os.fdopen(terminal, "r+b", buffering=0) as opened:
        shown = _until(opened, b"ready")
        opened.write(b"\x03")
        shown += _until(opened, b"ended")
        _, status = os.waitpid(process, 0)
    assert shown.count(b"INT") == 1
    assert os.waitstatus_to_exitcode(status) == 130


def _until(terminal: Any, word: bytes) -> bytes:
    shown = b""
    while word not in shown:
        shown += terminal.read(1024)
    return shown


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) with PR_SET_PDEATHSIG exists on Linux only")
def test_the_engine_is_interrupted_when_the_command_is_killed(running: Command) -> None:
    running.kill()
    assert running.communicate(timeout=30)[0] == "INT\nended\n"
