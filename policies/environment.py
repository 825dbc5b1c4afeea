"""The policy pack's own Python environment: made once for all clones with the same lock file, in the cache.

`python -m policies.environment` makes it where it is missing, and points `policies/venv` at it. It cannot be the
stack's own environment: pulumi-policy needs an older protobuf.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PACK = Path(__file__).parent


def environment() -> Path:
    """The environment's folder. Raises CalledProcessError where its packages cannot be had."""
    folder = _folder()
    done = folder / "done"  # half an environment has none
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--require-hashes", "-r", str(PACK / "requirements.txt")], check=True)
        done.touch()
    return folder


def link() -> None:
    """Points `policies/venv`, where engines look for it, at the environment; what `pulumi install` made there stays."""
    here = PACK / "venv"
    if here.is_symlink() or not here.exists():
        folder = environment()
        here.unlink(missing_ok=True)
        here.symlink_to(folder)


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
