"""The policy pack's own Python environment: made once for all clones with the same lock file, in the cache.

`python -m policies.environment` makes it where it is missing, and points `policies/venv` at it. It cannot be the
stack's own environment: pulumi-policy needs an older protobuf.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PACK = Path(__file__).parent


def environment() -> Path:
    """The environment's folder. Raises CalledProcessError where its packages cannot be had."""
    folder = _folder()
    done = folder / "done"  # an environment that is not complete does not have it
    if done.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{folder}.lock").open("w") as lock:  # several programs at once make it once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            venv.create(folder, with_pip=True, clear=True)
            pip = [str(folder / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "install", "--require-hashes", "-r", str(PACK / "requirements.txt")], check=True)
            done.touch()
    return folder


def link() -> None:
    """Points `policies/venv`, where engines look for it, at the environment; what `pulumi install` made there stays."""
    here = PACK / "venv"
    if here.is_symlink() or not here.exists():
        folder = environment()
        with tempfile.TemporaryDirectory(prefix=".venv-", dir=PACK) as temporary:
            fresh = Path(temporary) / "venv"
            fresh.symlink_to(folder)
            fresh.replace(here)  # engines that run meanwhile always find one


def _folder() -> Path:
    cache = Path(os.environ.get("MODELMESH_CACHE") or Path.home() / ".cache/modelmesh-stack")
    locked = hashlib.sha256((PACK / "requirements.txt").read_bytes()).hexdigest()[:12]
    return cache / "venv" / f"policies-{locked}-{sys.version_info.major}.{sys.version_info.minor}"


if __name__ == "__main__":
    try:
        link()
    except (OSError, subprocess.CalledProcessError) as problem:
        sys.exit(
            f"✗ the environment of the policies can't be made: {problem}\nmend that, then again: make policies-env"
        )
