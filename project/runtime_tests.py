"""Command `make test-runtime`, which runs the tests of a model server in its own Python environment."""

import os
import sys
from pathlib import Path

from project.environments import venv_for


def main(folder: str) -> None:
    """Replace this process by pytest in the environment of the folder's lock file."""
    lock = Path(folder or "runtimes/sentiment") / "requirements.txt"
    if not lock.is_file():
        sys.exit(f"✗ {lock} does not exist: RUNTIME=… names a model server's folder, and make lock RUNTIME=… makes it")
    pytest = venv_for(lock) / "bin/pytest"
    os.execv(pytest, [pytest, "-q", "-p", "no:cacheprovider", str(lock.parent)])  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
