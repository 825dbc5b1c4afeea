"""A checkout with one stack that names its cluster, and programs on PATH that do what a test says."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli import stack
from cli.stack import Stack, open_stack

PROD = """\
# whose it is
config:
  modelmesh:kubeconfig: ~/k   # of whoever runs it
  modelmesh:context: prod
  modelmesh:s3:
    region: eu
    secretAccessKey: {secure: v1:a}
encryptionsalt: v1:real
"""


@dataclass(frozen=True)
class Programs:
    """Stand-ins on PATH, each a shell script that writes down how it was called."""

    folder: Path

    def add(self, name: str, script: str) -> None:
        """Let `script` be the program `name`, which sees its command line and environment as it would."""
        file = self.folder / name
        file.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{self.folder}/{name}.calls\n{script}\n')
        file.chmod(0o755)

    def calls(self, name: str) -> list[str]:
        """The command lines so far."""
        file = self.folder / f"{name}.calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """None yet, and none of this machine's own but the system's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "cache"))
    for variable in [name for name in os.environ if name.startswith("PULUMI")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(stack, "provide", lambda *_: None)  # the stand-ins run no policies
    return Programs(folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Its stacks are dev, on the embedded cluster, and prod."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: modelmesh\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  modelmesh:podsPerRuntime: 1\n")
    (folder / "Pulumi.prod.yaml").write_text(PROD)
    return folder


@pytest.fixture
def prod(checkout: Path, programs: Programs) -> Callable[[], Stack]:
    """Opens the stack with whatever is on PATH by then."""
    assert programs
    return lambda: open_stack("prod", root=checkout)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Programs that a test starts receive signals, also if the tests run by `nohup` or in the background of a shell."""
    numbers = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
    former = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if former[number] is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)  # a started program has the default instead of a handler
    yield
    for number in numbers:
        signal.signal(number, former[number])
