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

from embedded import files
from embedded.errors import EmbeddedError
from project.progress import step

POLICY = Path("/usr/sbin/policy-rc.d")
_FORBIDDEN = "#!/bin/sh\nexit 101\n"
# Services in these packages that would otherwise be enabled at installation and start at the next boot.
_SERVICES = {"containerd": "containerd", "docker-registry": "docker-registry", "etcd-server": "etcd"}


def install(packages: Sequence[str], log: Path) -> None:
    """Install `packages` and their dependencies; the output of apt-get goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with step(f"Debian packages: {' '.join(packages)}"), services_forbidden(POLICY):
        _apt(log, "update")
        _apt(log, "install", "--yes", "--no-install-recommends", *packages)
    services = [service for package, service in _SERVICES.items() if package in packages]
    if services and shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", "--quiet", *services], capture_output=True, check=False)


def load_modules(modules: Sequence[str]) -> None:
    """Load kernel modules, which stay loaded until the next boot."""
    for module in modules:
        result = subprocess.run(["modprobe", module], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise EmbeddedError(f"the kernel module {module} can't be loaded: {result.stderr.strip()}")


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
    with log.open("ab") as output:
        result = subprocess.run(
            ["apt-get", "--quiet", *arguments], stdout=output, stderr=subprocess.STDOUT, env=environ, check=False
        )
    if result.returncode != 0:
        raise EmbeddedError(f"`apt-get {' '.join(arguments)}` failed; {log} ends with:\n{files.tail(log)}")
