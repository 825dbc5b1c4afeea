"""Controllers can be enabled in a control group that has processes, like the root that a container sees."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import cgroups
from embedded.errors import EmbeddedError
from embedded.instance import instance


def unified() -> Path | None:
    """Root of a v2 hierarchy with a controller."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2" and os.access(folder, os.W_OK) and Path(folder, "cgroup.controllers").read_text().strip():
            return Path(folder)
    return None


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A group with a process and a controller, as a container finds it in the place of the root."""
    machine = unified()
    if os.geteuid() != 0 or machine is None:
        pytest.skip("needs root and a cgroup v2 hierarchy with a controller")
    control = machine / "cgroup.subtree_control"
    missing = set((machine / "cgroup.controllers").read_text().split()) - set(control.read_text().split())
    try:
        control.write_text(" ".join(f"+{controller}" for controller in missing))
    except OSError as error:
        pytest.skip(f"no group can have a controller: {error}")
    group = machine / f"modelmesh-unit-test-{os.getpid()}"
    group.mkdir()
    monkeypatch.setattr(cgroups, "hierarchies", lambda: [group])
    join = 'echo $$ >"$1/cgroup.procs"; echo joined; read end'
    with subprocess.Popen(
        ["sh", "-c", join, "sh", group], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "joined\n"
        yield group
        process.communicate("")
    for folder, _, _ in os.walk(group, topdown=False):
        cgroups._remove_group(Path(folder))
    control.write_text(" ".join(f"-{controller}" for controller in missing))


def test_processes_of_a_container_move_to_a_leaf_and_back(root: Path) -> None:
    with pytest.raises(OSError, match="busy"):
        (root / "cgroup.subtree_control").write_text(
            " ".join(f"+{controller}" for controller in (root / "cgroup.controllers").read_text().split())
        )
    processes = (root / "cgroup.procs").read_text()
    assert processes
    nodes = [instance(name, {}) for name in ("dev", "test")]
    for node in nodes:
        (system,) = cgroups.create(node)
        assert (system / "cgroup.procs").exists()
        assert (system.parent / "cgroup.controllers").read_text() == (root / "cgroup.controllers").read_text()
    assert not (root / "cgroup.procs").read_text()
    assert (root / "modelmesh-others/cgroup.procs").read_text() == processes
    cgroups.remove(nodes[0])
    assert not (root / "cgroup.procs").read_text(), "the other node needs the controllers"
    cgroups.remove(nodes[1])
    assert (root / "cgroup.procs").read_text() == processes
    assert not (root / "modelmesh-others").exists()


def test_processes_that_cannot_move_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.procs").write_text("0\n")
    monkeypatch.setattr(cgroups, "MOVE_SECONDS", 0)
    with pytest.raises(EmbeddedError, match="processes 0 cannot leave the control group"):
        cgroups._move(tmp_path, tmp_path / "leaf")
