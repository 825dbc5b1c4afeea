"""Installation of missing Debian packages, without starting or enabling the services that they contain.

Debian starts a service when its package is installed, unless policy-rc.d forbids it. That file exists only while
apt-get runs, and an existing one is restored.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from embedded import commands, files
from project.progress import step

POLICY = Path("/usr/sbin/policy-rc.d")
_FORBIDDEN = "#!/bin/sh\nexit 101\n"
# Services in these packages that would otherwise be enabled at installation and start at the next boot.
_SERVICES = {"containerd": "containerd", "docker-registry": "docker-registry", "etcd-server": "etcd"}


def install(packages: Sequence[str], log: Path) -> None:
    """Install `packages` and their dependencies; the output of apt-get goes to `log`."""
    with step(f"Debian packages: {' '.join(packages)}"), services_forbidden(POLICY):
        _apt(log, "update")
        _apt(log, "install", "--yes", "--no-install-recommends", *packages)
    services = [service for package, service in _SERVICES.items() if package in packages]
    if services and shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", "--quiet", *services], capture_output=True, check=False)


@contextmanager
def services_forbidden(policy: Path) -> Iterator[None]:
    """Context in which no package starts a service."""
    saved = policy.with_name(f"{policy.name}.modelmesh-saved")
    if policy.exists():
        policy.replace(saved)
    files.write(policy, _FORBIDDEN, mode=0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)
        if saved.exists():
            saved.replace(policy)


def _apt(log: Path, *arguments: str) -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    commands.logged(["apt-get", "--quiet", *arguments], log, f"`apt-get {' '.join(arguments)}` failed", environ)
