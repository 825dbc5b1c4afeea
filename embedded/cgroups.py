"""Control groups of an instance: one parent in every hierarchy, and its members.

`<parent>/system` holds the node's own processes with all their descendants (shims, CNI plugins), `<parent>/kubepods`
the pods, `<parent>/build` the image builds. Membership determines what belongs to the instance, which is exact even
after a crash. Supports cgroup v1 (one folder in each hierarchy), v2 (one folder) and a hybrid of both.
"""

import contextlib
import errno
import os
import signal
import time
from pathlib import Path

from embedded.errors import EmbeddedError
from embedded.instance import NAMES, Instance

_ROOT = "/sys/fs/cgroup"
_OTHERS = "modelmesh-others"
MOVE_SECONDS = 5


def hierarchies(mounts: str | None = None) -> list[Path]:
    """Roots of all hierarchies in /proc/self/mounts: the unified one, the v1 ones, or (on a hybrid system) both."""
    fields = [line.split() for line in (mounts or Path("/proc/self/mounts").read_text()).splitlines()]
    return [Path(field[1]) for field in fields if field[2] in ("cgroup", "cgroup2") and field[1].startswith(_ROOT)]


def create(instance: Instance) -> list[Path]:
    """Create the parent and its `system` child in each hierarchy; return the `system` folders."""
    groups = []
    for root in hierarchies():
        parent = root / instance.full_name
        if (root / "cgroup.subtree_control").exists():
            _delegate(root)
        for group in (parent, parent / "system"):
            group.mkdir(exist_ok=True)
            _inherit_cpuset(group)
        groups.append(parent / "system")
    return groups


def members(instance: Instance, child: str = "") -> set[int]:
    """Process ids of all members of the instance's groups, or of those below one child of the parent."""
    found: set[int] = set()
    for root in hierarchies():
        for folder, _, _ in os.walk(root / instance.full_name / child):
            try:
                found.update(int(line) for line in Path(folder, "cgroup.procs").read_text().split())
            except OSError:  # the group was removed in the meantime
                continue
    return found


def end(instance: Instance, child: str = "", grace: float = 3.0) -> None:
    """Terminate every member: SIGTERM, a wait of up to `grace` seconds, then SIGKILL until none is left."""
    deadline = time.monotonic() + grace
    asked: set[int] = set()
    while alive := members(instance, child):
        insist = time.monotonic() > deadline
        for pid in alive if insist else alive - asked:
            try:
                os.kill(pid, signal.SIGKILL if insist else signal.SIGTERM)
            except ProcessLookupError:
                continue
        asked |= alive
        if time.monotonic() > deadline + 20:
            raise TimeoutError(f"processes {sorted(alive)} of {instance.full_name} are still alive after SIGKILL")
        time.sleep(0.05)


def remove(instance: Instance) -> None:
    """Remove the parent and everything below it from each hierarchy; no members may be left."""
    for root in hierarchies():
        for folder, _, _ in os.walk(root / instance.full_name, topdown=False):
            _remove_group(Path(folder))
        if (root / _OTHERS).exists() and not any((root / f"modelmesh-{name}").exists() for name in NAMES):
            _withdraw(root)


def exists(instance: Instance) -> bool:
    """Whether the instance has a control group, which exists from the start of `up` to the end of `down`."""
    return any((root / instance.full_name).exists() for root in hierarchies())


def _remove_group(group: Path) -> None:
    # The kernel may keep a group for a moment after its last process has exited.
    deadline = time.monotonic() + 2
    while group.exists():
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _delegate(root: Path) -> None:
    """Enable the controllers of a v2 root for its children.

    In a container, the root that is visible is an inner group of the machine, for which the kernel refuses that as long
    as it has processes: they move to a leaf.
    """
    # All in one write: some controllers alone would be accepted, and make the root a group of threads.
    enable = " ".join(f"+{controller}" for controller in (root / "cgroup.controllers").read_text().split())
    try:
        (root / "cgroup.subtree_control").write_text(enable)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EOPNOTSUPP):  # the latter if it is a group of threads already
            raise
        (root / _OTHERS).mkdir(exist_ok=True)
        _move(root, root / _OTHERS)
        (root / "cgroup.subtree_control").write_text(enable)


def _withdraw(root: Path) -> None:
    """Undo `_delegate`, unless other groups have been made since."""
    enabled = (root / "cgroup.subtree_control").read_text().split()
    with contextlib.suppress(OSError):
        (root / "cgroup.subtree_control").write_text(" ".join(f"-{controller}" for controller in enabled))
        _move(root / _OTHERS, root)
        _remove_group(root / _OTHERS)


def _move(source: Path, target: Path) -> None:
    """Move all processes of a group, including those that they start meanwhile."""
    deadline = time.monotonic() + MOVE_SECONDS
    while pids := (source / "cgroup.procs").read_text().split():
        if time.monotonic() > deadline:
            raise EmbeddedError(f"processes {' '.join(pids)} cannot leave the control group {source}")
        for pid in pids:
            with contextlib.suppress(OSError):  # it has ended, or is in another namespace
                (target / "cgroup.procs").write_text(pid)


def _inherit_cpuset(group: Path) -> None:
    # A new v1 cpuset is empty, and an empty cpuset accepts no process.
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (group / name).exists() and (group.parent / name).exists() and not (group / name).read_text().strip():
            (group / name).write_text((group.parent / name).read_text())
