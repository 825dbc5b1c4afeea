"""Python environments of programs beside the stack: each lock file has its own, built once and kept in the cache.

It owns environments that cannot be the main one, because their pins contradict it. A changed lock file is another
environment; several runs at once build it once.
"""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from embedded.progress import say
from embedded.toolchain import cache_folder


def venv_for(requirements: Path) -> Path:
    """Return the environment of a hashed lock file, building it where it is not there yet (about a minute).

    Args:
        requirements: the lock file.

    Raises:
        CalledProcessError: pip could not install it; its own words are on stderr.
    """
    cache = cache_folder() / "venv"
    version = ".".join(map(str, sys.version_info[:2]))
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    venv = cache / f"{requirements.parent.name}-{digest}-{version}"
    done = venv / "done"  # half an environment has none
    if done.exists():
        return venv
    cache.mkdir(parents=True, exist_ok=True)
    with Path(f"{venv}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            say(f"▸ Python environment {venv} (about a minute, once)")
            subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
            subprocess.run(
                [venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
                 "--only-binary", ":all:", "-r", requirements],
                check=True,
            )  # fmt: skip
            done.touch()
    return venv
