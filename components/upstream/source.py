"""Upstream's `config/` tree at the pinned version, verified by one digest.

Sources, in this order: `$MODELMESH_SERVING_SRC` (an existing source tree), the cache, the Go module (fetched by the
`go` command through the machine's module proxy), and the archive of the release. All must have the same digest, so they
are interchangeable and a modified tree is rejected.
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
    """The manifests cannot be fetched, or differ from the pinned ones."""


@functools.cache
def config_tree() -> Path:
    """Return the verified `config/` folder, fetching it if necessary.

    Raises:
        UpstreamUnavailableError: No source has the pinned tree.
    """
    if named := os.environ.get("MODELMESH_SERVING_SRC"):
        tree = Path(named) / "config"
        _verify(tree, f"MODELMESH_SERVING_SRC={named}")
        return tree
    cached = _cache() / f"modelmesh-serving-{VERSION}" / "config"
    if not cached.is_dir():
        _fill(cached)
    _verify(cached, f"the cache; delete {cached.parent} to fetch it again")
    return cached


def tree_digest(tree: Path) -> str:
    """Return the digest of names and contents of the files below `tree`; modes and times do not count."""
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
    """Fetch the tree into `target`, which appears only when it is complete, so that concurrent runs are safe."""
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
            _make_writable(fetched)  # The module cache is read-only, and a read-only tree cannot be deleted.
            if not target.parent.exists():
                fetched.parent.rename(target.parent)
            return
    raise UpstreamUnavailableError(
        f"The manifests of {MODULE} {VERSION} cannot be fetched:\n"
        + "\n".join(failures)
        + "\nDownload that source tree by other means and set MODELMESH_SERVING_SRC to its folder."
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
