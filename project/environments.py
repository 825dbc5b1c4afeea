"""Python environments: one for each lock file and Python version, built once in the cache and shared by all checkouts.

The Makefile runs this module before any environment exists, so it needs nothing but Python's standard library.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from project import ROOT, cache_folder
from project.errors import UserError
from project.marked_folder import claim, delete
from project.progress import say

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON_OF_RUNTIMES = (3, 12)
"""MLServer 1.7.1 refuses newer versions."""


class EnvironmentFailedError(UserError):
    """An environment cannot be made or used; the message says what to do."""


def venv_for(requirements: Path) -> Path:
    """The environment of a lock file; it is built if it does not exist yet, which takes about a minute.

    Args:
        requirements: the lock file, with hashes.

    Raises:
        CalledProcessError: pip or venv failed; stderr has its reason.
        ForeignFolderError: another folder is in its place.
    """
    venv = folder_of(requirements)
    done = venv / "done"  # an unfinished environment has no such file
    if done.exists():
        return venv
    venv.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{venv}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            say(f"▸ Python environment {venv} (about a minute, once)")
            _build(venv, requirements)
            done.touch()
    return venv


def runtime_venv(source: Path) -> Path:
    """The environment of a model server's folder, of its lock file; it is built if it does not exist yet.

    Raises:
        EnvironmentFailedError: There is no lock file, it cannot be installed, or Python is too new for MLServer.
    """
    lock = source / "requirements.txt"
    if not source.is_dir():
        raise EnvironmentFailedError(
            f"{source} does not exist, expected a model server's folder, such as RUNTIME=runtimes/mine"
        )
    if not lock.is_file():
        raise EnvironmentFailedError(
            f"{lock} does not exist: make lock RUNTIME={source} creates it from pyproject.toml"
        )
    if sys.version_info[:2] > NEWEST_PYTHON_OF_RUNTIMES:
        this = ".".join(map(str, sys.version_info[:2]))
        raise EnvironmentFailedError(
            f"MLServer needs Python 3.11 or 3.12, and this is Python {this}: run the same command with another one, "
            "by make PYTHON=python3.11 …"
        )
    try:
        return venv_for(lock)
    except subprocess.CalledProcessError:
        raise EnvironmentFailedError(f"{lock} can't be installed, for the reason that pip prints above") from None


def folder_of(requirements: Path) -> Path:
    """Path of the environment of a lock file, whether it is built or not."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    project = requirements.resolve().parent
    prefix = "" if project == ROOT else f"{project.name}-"
    version = ".".join(map(str, sys.version_info[:2]))
    return cache_folder() / "venv" / f"{prefix}{digest}-{version}"


def provide(place: Path, requirements: Path, enough: Path | None = None) -> None:
    """Make the environment of a lock file available at `place`, as a link into the cache.

    A folder at `place`, such as `pulumi install` makes, is used as it is if it has the packages of the lock file, or
    those of `enough`, a smaller one.

    Raises:
        CalledProcessError: pip or venv failed; stderr has its reason.
        EnvironmentFailedError: the folder at `place` lacks packages.
    """
    if place.exists() and not place.is_symlink():
        requirements = enough or requirements
        if missing := _missing(place, requirements):
            raise EnvironmentFailedError(
                f"{place} is a folder whose packages differ from {requirements} ({', '.join(missing[:3])}"
                f"{', …' if missing[3:] else ''}): remove it, and the environment of the lock file takes its place; "
                f"or update it: {place}/bin/python -m pip install --require-hashes -r {requirements}"
            )
        return
    venv = venv_for(requirements)
    if not place.is_symlink() or place.readlink() != venv:
        fresh = place.with_name(f"{place.name}.{os.getpid()}.new")
        fresh.symlink_to(venv)
        fresh.replace(place)


def _build(venv: Path, requirements: Path) -> None:
    delete(venv)
    claim(venv)
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(requirements)], check=True)


def _missing(venv: Path, requirements: Path) -> list[str]:
    """The packages of a lock file that an environment does not have in exactly that version."""
    listing = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"
    try:
        found = subprocess.run([str(venv / "bin/python"), "-c", listing], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ["no working Python"]
    installed = {_normal(name): version for name, version in map(str.split, found.stdout.splitlines())}
    lock = requirements.read_text(encoding="utf-8")
    pins = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", lock, re.MULTILINE)
    return [f"{name}=={version}" for name, version in pins if installed.get(_normal(name)) != version]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(place: str, requirements: str, enough: str = "") -> None:
    """`python -m project.environments PLACE LOCK_FILE [SMALLER_LOCK_FILE]`: provide it, or exit with the reason."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit("✗ Python 3.11 or newer is needed; name it: make PYTHON=python3.11 …")
    try:
        provide(Path(place), Path(requirements), Path(enough) if enough else None)
    except UserError as error:
        sys.exit(f"✗ {error}")
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(
            f"✗ the Python environment of {requirements} can't be made: {error}\n"
            "fix what is reported above and try again (on Debian, venv is in the package python3-venv)"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
