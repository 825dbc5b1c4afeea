"""Installation of Debian packages without starting their services.

Debian starts a service when its package is installed, unless policy-rc.d forbids it. The file that forbids it is only
mounted for apt-get, in a separate mount namespace, and the machine's file is never touched: a kill at any moment leaves
nothing that has an effect, and other programs that install packages meanwhile do not see it.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from embedded import commands
from project.progress import step

POLICY = Path("/usr/sbin/policy-rc.d")
# Services in these packages that would otherwise be enabled at installation and start at the next boot.
_SERVICES = {"containerd": "containerd", "docker-registry": "docker-registry", "etcd-server": "etcd"}
# A mount needs a file in its place. One that is not executable has no effect on any program, so a kill may leave it.
_PLACEHOLDER = "# Left by an interrupted installation; without effect, since it is not executable."
# Run by a shell, so that it ends as a whole even if the program that started it is killed.
_SCRIPT = """
policy=$1 placeholder=$2 services=$3; shift 3
[ -e "$policy" ] || echo "$placeholder" >"$policy"
forbidding=$(mktemp)
remove() {
  umount "$policy" || true
  rm -f "$forbidding"
  if [ "$(cat "$policy")" = "$placeholder" ]; then rm "$policy"; fi
}
trap remove EXIT
printf '#!/bin/sh\\nexit 101\\n' >"$forbidding"
chmod 755 "$forbidding"
mount --bind "$forbidding" "$policy"
apt-get --quiet update
apt-get --quiet install --yes --no-install-recommends "$@"
if [ -n "$services" ] && command -v systemctl >/dev/null; then systemctl disable --quiet $services || true; fi
"""


def install(packages: Sequence[str], log: Path, policy: Path = POLICY) -> None:
    """Install `packages` and their dependencies, once at a time; the output goes to `log`."""
    services = " ".join(service for package, service in _SERVICES.items() if package in packages)
    # The lock of the folder is held until the last program of the script has ended.
    alone = ("flock", str(policy.parent), "unshare", "--mount", "--propagation", "private")
    script = ("sh", "-ec", _SCRIPT, "sh", str(policy), _PLACEHOLDER, services, *packages)
    with step(f"Debian packages: {' '.join(packages)}"):
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        commands.logged([*alone, *script], log, f"`apt-get install {' '.join(packages)}` failed", environ)
