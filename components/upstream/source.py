"""Finds upstream's `config/` tree at the pinned version and proves it by one digest.

Sources, in order: `$MODELMESH_SERVING_SRC` (a source tree that is there already), the cache, the Go module (by the `go`
command, so through whatever module proxy the machine uses), the archive of the release. Whatever the source, the same
digest must come out, so that they are interchangeable and a tampered one is refused.
"""

import functools
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pulumi

VERSION = "v0.12.0"
MODULE = "github.com/kserve/modelmesh-serving"
CONFIG_DIGEST = "sha256:0330b5a3744b37fee6801f211dbcf80a4d6d3f8625629ab34daf83351208285e"
"""SHA-256 over the sorted lines `<sha256 of the file>  <path below config/>`."""

_ARCHIVE = f"https://{MODULE}/archive/refs/tags/{VERSION}.tar.gz"
_TIMEOUT_SECONDS = 120


class UpstreamUnavailableError(pulumi.RunError):
    """The pinned manifests are not to be had, or are not the pinned ones."""


@functools.cache
def config_tree() -> Path:
    """The verified `config/` folder. Raises UpstreamUnavailableError with what was tried and what to do."""
    if named := os.environ.get("MODELMESH_SERVING_SRC"):
        tree = Path(named) / "config"
        _verify(tree, f"MODELMESH_SERVING_SRC={named}")
        return tree
    cached = _cache() / f"modelmesh-serving-{VERSION}" / "config"
    if not cached.is_dir():
        _fill(cached)
    _verify(cached, f"the cache; delete {cached.parent} to have it fetched again")
    return cached


def tree_digest(tree: Path) -> str:
    """Digest of the files below `tree`: names and contents count, modes, times and order do not."""
    files = sorted((path.relative_to(tree).as_posix(), path) for path in tree.rglob("*") if path.is_file())
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n" for name, path in files)
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def _verify(tree: Path, origin: str) -> None:
    if not tree.is_dir():
        raise UpstreamUnavailableError(
            f"{tree} does not exist (from {origin}): expected the tree of {MODULE} {VERSION}"
        )
    if (found := tree_digest(tree)) != CONFIG_DIGEST:
        raise UpstreamUnavailableError(
            f"{tree} is not config/ of {MODULE} {VERSION} (from {origin}): "
            f"its digest is {found}, {CONFIG_DIGEST} is pinned"
        )


def _cache() -> Path:
    return Path(os.environ.get("MODELMESH_CACHE") or Path.home() / ".cache" / "modelmesh-stack") / "upstream"


def _fill(target: Path) -> None:
    """Fetches into `target`, which appears only once it is whole, so that two runs at once do no harm."""
    sources: dict[str, Callable[[Path], Path]] = {"go mod download": _from_go, _ARCHIVE: _from_archive}
    failures = []
    target.parent.parent.mkdir(parents=True, exist_ok=True)
    for name, fetch in sources.items():
        with tempfile.TemporaryDirectory(dir=target.parent.parent) as scratch:
            try:
                fetched = shutil.copytree(fetch(Path(scratch)), Path(scratch) / "whole" / "config")
                _verify(fetched, name)
            except (OSError, subprocess.SubprocessError, tarfile.TarError, UpstreamUnavailableError) as problem:
                failures.append(f"  {name}: {_reason(problem)}")
                continue
            _make_writable(fetched)  # the module cache is read-only, and what cannot be deleted cannot be renewed
            if not target.parent.exists():
                fetched.parent.rename(target.parent)
            return
    raise UpstreamUnavailableError(
        f"The manifests of {MODULE} {VERSION} are not to be had:\n"
        + "\n".join(failures)
        + "\nGet that source tree by other means and name its folder in MODELMESH_SERVING_SRC."
    )


def _from_go(scratch: Path) -> Path:
    command = ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"]
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=True, timeout=_TIMEOUT_SECONDS)
    return Path(json.loads(done.stdout)["Dir"]) / "config"


def _from_archive(scratch: Path) -> Path:
    with urllib.request.urlopen(_ARCHIVE, timeout=_TIMEOUT_SECONDS) as reply:
        archive = io.BytesIO(reply.read())
    with tarfile.open(fileobj=archive) as tar:
        tar.extractall(scratch / "archive", filter="data")
    return next((scratch / "archive").iterdir()) / "config"


def _make_writable(tree: Path) -> None:
    for path in [tree, *tree.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def _reason(problem: Exception) -> str:
    if isinstance(problem, subprocess.CalledProcessError):
        return str(problem.stderr or problem.stdout or problem).strip().splitlines()[-1]
    return str(problem)
