"""Command `make test-runtime`, which runs the tests of a model server in its own Python environment."""

import os
import sys
from pathlib import Path

from project.environments import venv_for
from project.model_server import BASE


def main(folder: str) -> None:
    """Replace this process by pytest in the environment of the folder's lock file."""
    lock = Path(folder or "runtimes/sentiment") / "requirements.txt"
    if not lock.is_file():
        sys.exit(f"✗ {lock} does not exist: RUNTIME=… names a model server's folder, and make lock RUNTIME=… makes it")
    command = [str(venv_for(lock) / "bin/python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", str(lock.parent)]
    os.execve(command[0], command, os.environ | {"PYTHONPATH": str(BASE)})  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
