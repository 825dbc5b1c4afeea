"""Requirements on the machine, checked before anything on it is changed.

`facts` inspects the machine without changing it. `problems` and `plan` are pure: the former lists every problem with
its remedy, the latter what `up` is going to install and change.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from embedded import cgroups, sandbox, toolchain
from embedded.commands import succeeds
from embedded.instance import Instance
from project import marked_folder

# Required program → Debian package that contains it.
PROGRAMS: Final = {
    "/usr/bin/containerd": "containerd",
    "/usr/sbin/runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/usr/sbin/iptables": "iptables",
    "/usr/bin/docker-registry": "docker-registry",
    "/usr/bin/etcd": "etcd-server",
    "/usr/bin/etcdctl": "etcd-client",
    "/usr/sbin/debootstrap": "debootstrap",
    "/sbin/ip": "iproute2",
    "/usr/bin/nsenter": "util-linux",
    "/usr/bin/mount": "mount",
    "/sbin/sysctl": "procps",
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
}
# Path that shows that the kernel has a feature → module that provides it.
KERNEL_MODULES: Final = {"/proc/sys/net/bridge": "br_netfilter"}
CONTROLLERS: Final = ("cpu", "cpuset", "memory", "pids")
# Required space for a first start including images, and for a start with everything built.
DISK_BYTES: Final = 10 * 10**9
DISK_BYTES_AGAIN: Final = 2 * 10**9
MEMORY_BYTES: Final = 4 * 10**9
# The kernel's limit for the path of a unix socket, less the suffix that containerd appends.
SOCKET_PATH_LIMIT: Final = 107 - len(".ttrpc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about the machine."""

    root: bool
    """Whether the command runs as root."""
    debian: bool
    """Whether apt-get can install missing packages."""
    missing_packages: tuple[str, ...]
    """Debian packages to install."""
    missing_modules: tuple[str, ...]
    """Kernel modules to load."""
    impossible: tuple[str, ...]
    """Kernel features that are missing and that no module provides."""
    read_only: tuple[str, ...]
    """Hierarchies of control groups that are mounted read-only."""
    free: dict[Path, int]
    """Free bytes on the disk of each folder; folders on one disk are counted once."""
    built: bool
    """Whether the instance was up before, so that its images exist."""
    memory: int
    """Memory in bytes."""
    toolchain: tuple[str, ...]
    """Everything that prevents the build of programs that are missing."""
    foreign: str | None
    """The reason not to write to the instance's folder, if another program made it."""
    overlapping: str | None
    """A route of the machine (network and device) that overlaps the node's link."""


def facts(instance: Instance) -> Facts:
    """Inspect the machine; changes nothing and needs no privileges."""
    absent = [module for path, module in KERNEL_MODULES.items() if not Path(path).exists()]
    loadable = [module for module in absent if succeeds("modprobe", "--dry-run", "--quiet", module)]
    return Facts(
        root=os.geteuid() == 0,
        debian=shutil.which("apt-get") is not None,
        missing_packages=tuple(package for path, package in PROGRAMS.items() if not Path(path).exists()),
        missing_modules=tuple(loadable),
        impossible=(*(m for m in absent if m not in loadable), *_missing_filesystems(), *_missing_controllers()),
        read_only=tuple(str(root) for root in cgroups.hierarchies() if os.statvfs(root).f_flag & os.ST_RDONLY),
        free=_free((instance.root, instance.cache)),
        built=instance.was_up,
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        toolchain=tuple(toolchain.obstacles()),
        foreign=marked_folder.foreign(instance.data, ours=instance.was_up),
        overlapping=overlapping_route(_routes(), instance),
    )


def problems(instance: Instance, found: Facts) -> list[str]:
    """Every problem that prevents the node from starting, with its remedy."""
    result = []
    if not found.root:
        result.append("root is needed (namespaces, mounts, control groups): run the same command with sudo")
    if found.missing_packages and not found.debian:
        result.append(
            f"these Debian packages are missing and there is no apt-get: {' '.join(found.missing_packages)}; "
            "the node runs on Debian 12"
        )
    if found.impossible:
        result.append(
            f"the kernel has no {', '.join(found.impossible)}, and no module for it; boot a kernel with container "
            "support (Debian's kernel has it), or use an existing cluster"
        )
    if found.read_only:
        result.append(
            f"control groups are read-only ({', '.join(found.read_only)}), as in a container without privileges: start "
            "a privileged one"
        )
    needed = DISK_BYTES_AGAIN if found.built else DISK_BYTES
    for folder, free in found.free.items():
        if free < needed:
            result.append(
                f"{folder} has {free / 1e9:.1f} GB free, {needed / 1e9:.0f} GB are needed: free some, or set "
                "MODELMESH_DATA and MODELMESH_CACHE to folders on another disk"
            )
    if found.memory < MEMORY_BYTES:
        result.append(f"the machine has {found.memory / 1e9:.1f} GB of memory, {MEMORY_BYTES / 1e9:.0f} GB are needed")
    result += found.toolchain
    if found.foreign:
        result.append(f"{found.foreign}; MODELMESH_DATA is the folder of all nodes")
    if found.overlapping:
        result.append(
            f"the node's link {instance.link} overlaps the machine's route {found.overlapping}: set MODELMESH_NETWORK "
            "to a private /29 that is unused here"
        )
    if len(os.fsencode(instance.containerd_socket)) > SOCKET_PATH_LIMIT:
        result.append(
            f"{instance.data} is too long a path: {instance.containerd_socket} must not exceed {SOCKET_PATH_LIMIT} "
            "bytes to be a socket's name; set MODELMESH_DATA to a shorter one"
        )
    return result


def plan(instance: Instance, found: Facts) -> list[str]:
    """Changes that `up` is going to make on the machine, one per line."""
    lines = []
    if found.missing_packages:
        lines.append(f"installs from Debian, none of their services started: {' '.join(found.missing_packages)}")
    if found.missing_modules:
        modules = " ".join(found.missing_modules)
        lines.append(f"loads kernel modules, which stay until the next boot and spare the host's bridges: {modules}")
    lines += [
        f"network namespace {instance.full_name}, which holds the node's bridge, firewall rules and ports",
        f"interface {instance.host_interface} ({instance.host_address}), linked to the node ({instance.node_address})",
        "two routing rules, by which nobody but root reaches the node from this machine",
        f"control group /{instance.full_name}; mount namespace, with empty folders {', '.join(sandbox.FIXED_PATHS)}",
        f"files: {instance.data} (this node), {instance.cache} (builds, shared)",
    ]
    return lines


def overlapping_route(routes: str, instance: Instance) -> str | None:
    """First line of `ip route` output that overlaps the link, except for the node's interface and default routes."""
    for line in routes.splitlines():
        words = line.split()
        if words and words[0] in ("local", "broadcast", "unreachable", "blackhole", "prohibit", "multicast"):
            words = words[1:]
        if not words or words[0] == "default" or instance.host_interface in words:
            continue
        try:
            if IPv4Network(words[0], strict=False).overlaps(instance.link):
                return line.strip()
        except ValueError:
            continue
    return None


def _routes() -> str:
    try:
        return subprocess.run(["ip", "-4", "route", "show", "table", "all"], capture_output=True, text=True).stdout
    except FileNotFoundError:  # the package is missing, too
        return ""


def _missing_filesystems() -> list[str]:
    known = Path("/proc/filesystems").read_text().split()
    loadable = succeeds("modprobe", "--dry-run", "--quiet", "overlay")
    return [] if "overlay" in known or loadable else ["overlay file system"]


def _missing_controllers() -> list[str]:
    lines = Path("/proc/cgroups").read_text().splitlines()[1:]
    enabled = {fields[0] for line in lines if (fields := line.split())[-1] == "1"}
    unified = Path("/sys/fs/cgroup/cgroup.controllers")
    if unified.exists():
        enabled = set(unified.read_text().split())
    return [f"control group controller {name}" for name in CONTROLLERS if name not in enabled]


def _free(folders: tuple[Path, ...]) -> dict[Path, int]:
    """Free bytes by folder (its nearest existing parent), one entry per disk."""
    disks: dict[int, tuple[Path, int]] = {}
    for folder in folders:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        disks.setdefault(existing.stat().st_dev, (folder, shutil.disk_usage(existing).free))
    return dict(disks.values())
