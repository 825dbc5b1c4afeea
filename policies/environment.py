"""Python environment of the policy pack, created once in the cache for all clones with the same lock file.

`python -m policies.environment` creates it if it is missing and links `policies/venv` to it. The stack's environment
cannot be used, since pulumi-policy needs an older protobuf.
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
    """Folder of the environment, which is created if it is missing.

    Raises:
        CalledProcessError: Its packages could not be installed.
    """
    folder = _folder()
    done = folder / "done"  # missing in an incomplete environment
    if done.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{folder}.lock").open("w") as lock:  # shared by concurrent programs
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            venv.create(folder, with_pip=True, clear=True)
            pip = [str(folder / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "install", "--require-hashes", "-r", str(PACK / "requirements.txt")], check=True)
            done.touch()
    return folder


def link() -> None:
    """Link `policies/venv`, where engines look for it, to the environment; keeps a folder of `pulumi install`."""
    here = PACK / "venv"
    if here.is_symlink() or not here.exists():
        folder = environment()
        with tempfile.TemporaryDirectory(prefix=".venv-", dir=PACK) as temporary:
            fresh = Path(temporary) / "venv"
            fresh.symlink_to(folder)
            fresh.replace(here)  # atomic, so that running engines always find one


def _folder() -> Path:
    cache = Path(os.environ.get("MODELMESH_CACHE") or Path.home() / ".cache/modelmesh-stack")
    locked = hashlib.sha256((PACK / "requirements.txt").read_bytes()).hexdigest()[:12]
    return cache / "venv" / f"policies-{locked}-{sys.version_info.major}.{sys.version_info.minor}"


if __name__ == "__main__":
    try:
        link()
    except (OSError, subprocess.CalledProcessError) as problem:
        sys.exit(
            f"✗ the environment of the policies can't be created: {problem}\nfix that, then run: make policies-env"
        )
