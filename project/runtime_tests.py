"""Command `make test-runtime`, which runs the tests of a model server in its own Python environment."""

import os
import sys
from pathlib import Path

from project.environments import runtime_venv
from project.errors import UserError
from project.model_server import BASE


def main(folder: str) -> None:
    """Replace this process by pytest in the environment of the folder's lock file, or exit with the reason."""
    source = Path(folder or "runtimes/sentiment")
    try:
        python = runtime_venv(source) / "bin/python"
    except UserError as error:
        sys.exit(f"✗ {error}")
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", str(source)]
    os.execve(command[0], command, os.environ | {"PYTHONPATH": str(BASE)})  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
