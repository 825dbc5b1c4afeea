"""Packages are installed without their services, and the machine's own policy for services is never touched."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import debian
from embedded.errors import EmbeddedError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
OWN = "#!/bin/sh\nexit 7\n"
INSTALL = """
import sys
from pathlib import Path
from embedded.debian import install
install(["runc"], *map(Path, sys.argv[1:]))
"""
# A stand-in that notes what the policy says to each of its calls; in the second, it waits until a test lets it go on.
APT = """#!/bin/sh
cd {folder}
sbin/policy-rc.d; echo "$2 $?" >>calls
if [ "$2" = install ]; then echo >installing; cat go-on; fi
"""


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of the policy, in a folder without one."""
    (tmp_path / "sbin").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/apt-get").write_text(APT.format(folder=tmp_path))
    (tmp_path / "bin/apt-get").chmod(0o755)
    os.mkfifo(tmp_path / "installing")
    os.mkfifo(tmp_path / "go-on")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path / "sbin/policy-rc.d"


@pytest.fixture
def before(policy: Path, request: pytest.FixtureRequest) -> str | None:
    """The machine's own policy, as the parameter has it; none without a parameter."""
    own: str | None = getattr(request, "param", None)
    if own:
        policy.write_text(own)
        policy.chmod(0o755)
    return own


def start(policy: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", INSTALL, str(policy.parent / "log"), str(policy)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.fixture
def installing(policy: Path, before: str | None, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program in the middle of an installation, which found the policy `before`."""
    assert (policy.read_text() if policy.exists() else None) == before
    program = start(policy)
    (tmp_path / "installing").read_text()
    yield program
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def executable(policy: Path) -> bool:
    return policy.exists() and bool(policy.stat().st_mode & stat.S_IXUSR)


@pytest.mark.parametrize("before", [None, OWN], indirect=True)
def test_services_are_forbidden_to_the_installation_alone(
    policy: Path, tmp_path: Path, before: str | None, installing: subprocess.Popen[bytes]
) -> None:
    assert (policy.read_text() if executable(policy) else None) == before
    (tmp_path / "go-on").write_text("")
    assert installing.wait() == 0
    assert (tmp_path / "calls").read_text() == "update 101\ninstall 101\n"
    assert (policy.read_text() if policy.exists() else None) == before


@pytest.mark.parametrize("before", [None, OWN], indirect=True)
def test_a_kill_leaves_the_machine_s_own_policy(
    policy: Path, tmp_path: Path, before: str | None, installing: subprocess.Popen[bytes]
) -> None:
    os.killpg(installing.pid, signal.SIGKILL)
    assert (policy.read_text() if executable(policy) else None) == before
    (tmp_path / "bin/apt-get").write_text("#!/bin/sh\n")
    debian.install(["runc"], tmp_path / "log", policy)
    assert (policy.read_text() if policy.exists() else None) == before


def test_a_second_installation_waits_for_the_first(
    policy: Path, tmp_path: Path, installing: subprocess.Popen[bytes]
) -> None:
    second = start(policy)
    for program in (installing, second):
        (tmp_path / "go-on").write_text("")
        assert program.wait() == 0
        if program is installing:
            (tmp_path / "installing").read_text()
    assert (tmp_path / "calls").read_text() == "update 101\ninstall 101\n" * 2
    assert not policy.exists()


def test_a_failed_installation_is_reported_and_leaves_nothing(policy: Path, tmp_path: Path) -> None:
    (tmp_path / "bin/apt-get").write_text("#!/bin/sh\necho no such package\nexit 100\n")
    with pytest.raises(EmbeddedError, match=r"(?s)`apt-get install runc` failed; .*no such package"):
        debian.install(["runc"], tmp_path / "log", policy)
    assert not policy.exists()
