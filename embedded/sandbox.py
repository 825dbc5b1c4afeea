"""The node's mount namespace, held open by one idle process.

The containerd and kubelet programs mount many paths (layers, volumes, network namespaces) and require some fixed
ones. In a separate mount namespace none of these are visible on the host, instances do not conflict at the fixed
paths, and the kernel removes every mount when the last process ends, after a crash as well as after `down`.
"""

import contextlib
import shutil
from pathlib import Path

from embedded import files
from embedded.instance import Instance
from embedded.processes import Process, Record

NAME = "sandbox"

# Paths that are compiled into containerd (shim sockets) and kubelet (device plugins, links to logs), or that kubelet
# requires to be ASCII (logs), with the folders in the instance's data that are mounted there.
FIXED_PATHS = {
    "/run/containerd": "node/containerd",
    "/var/lib/kubelet": "node/kubelet",
    "/var/log/containers": "node/container-logs",
    "/var/log/pods": "logs/pods",
}

# Kernel settings that the kubelet requires. The namespace shows these values instead of the machine's.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}

# Volumes propagate to the pods' mount namespaces only if the root is a shared mount.
_SCRIPT = 'mount --make-rshared /; while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done; shift; exec "$@"'


def process(instance: Instance, pause: Path) -> Process:
    """Process that holds the namespace; it is ready when everything is mounted and it has become `pause`."""
    binds = []
    for target, name in FIXED_PATHS.items():
        binds += [str(instance.data / name), target]
    for setting in KERNEL_SETTINGS:
        binds += [str(_setting_file(instance, setting)), f"/proc/sys/{setting}"]
    unshare = ("unshare", "--mount", "--propagation", "slave")
    return Process(
        name=NAME,
        argv=(str(pause),),
        enter=("nsenter", f"--net={instance.netns}", *unshare, "sh", "-ec", _SCRIPT, "sh", *binds, "--"),
        ready=lambda pid: Path(f"/proc/{pid}/exe").resolve() == pause.resolve(),
    )


def prepare(instance: Instance) -> None:
    """Create the folders and files to mount, and mount points that the machine lacks."""
    # As after a boot: sockets, pod namespaces and allocated addresses of an earlier run are invalid.
    for stale in ("containerd", "containerd-state", "ipam"):
        shutil.rmtree(instance.data / "node" / stale, ignore_errors=True)
    for name in FIXED_PATHS.values():
        (instance.data / name).mkdir(parents=True, exist_ok=True)
    for setting, value in KERNEL_SETTINGS.items():
        files.write(_setting_file(instance, setting), f"{value}\n", mode=0o644)
    made = _made(instance)
    for target in map(Path, FIXED_PATHS):
        if not target.exists():
            target.mkdir(parents=True)
            made.add(str(target))
    files.write(_register(instance), "".join(f"{path}\n" for path in sorted(made)))


def remove_mount_points(instance: Instance) -> None:
    """Remove the mount points that `prepare` created; all instances share them, so none may be running."""
    for path in _made(instance):
        with contextlib.suppress(OSError):  # another program uses or has removed it
            Path(path).rmdir()
    _register(instance).unlink(missing_ok=True)


def enter(instance: Instance, holder: Record, *, network: bool = True) -> tuple[str, ...]:
    """Command prefix that runs a program in the node's mount namespace and, by default, in its network."""
    mount = f"--mount=/proc/{holder.pid}/ns/mnt"
    return ("nsenter", mount, f"--net={instance.netns}") if network else ("nsenter", mount)


def _setting_file(instance: Instance, setting: str) -> Path:
    return instance.data / "node/kernel" / setting


def _register(instance: Instance) -> Path:
    return instance.root / "mount-points"


def _made(instance: Instance) -> set[str]:
    register = _register(instance)
    return set(register.read_text().split()) if register.exists() else set()
