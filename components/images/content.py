"""Source folders as content: the same files give the same digest and the same build context in every checkout.

File modes, times, owners and the order of a directory are not content, so none of them counts as a change. Files are
hashed and copied as streams, so that memory does not grow with their size.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath

import pulumi

_UNUSED_SECONDS = 24 * 60 * 60
"""A build context that no program has staged for this long is deleted when the next one of its image is staged."""
_NO_TIME = (0, 0)
"""Access and modification time of the folders in a build context."""


class SourceError(pulumi.RunError):
    """A source folder cannot be used."""


def files(source: Path | str) -> dict[str, Path]:
    """The files of a folder by their POSIX path relative to it, sorted by that path.

    A `.dockerignore` in the folder selects the files. It is either an allow-list, which is `*` and then `!` lines with
    a file, folder or glob each, or a list of files, folders or globs to leave out.

    Raises:
        SourceError: the folder does not exist, holds no files, or its `.dockerignore` mixes both kinds.
    """
    source = Path(source)
    if not source.is_dir():
        raise SourceError(f"{source} is not a folder")
    found = {path.relative_to(source).as_posix(): path for path in _chosen(source)}
    if not found:
        raise SourceError(f"{source} holds no files")
    return dict(sorted(found.items()))


def context(sources: Mapping[str, Path | str]) -> dict[str, Path]:
    """The files of a build context: each source folder's, below the folder that is its key (`""` is the root).

    Raises:
        SourceError: a source cannot be used, two of them bring the same file, or the root has no Dockerfile.
    """
    found: dict[str, Path] = {}
    for folder, source in sources.items():
        placed = {(PurePosixPath(folder) / path).as_posix(): file for path, file in files(source).items()}
        if both := sorted(found.keys() & placed.keys()):
            raise SourceError(f"{source} brings {both[0]}, which another source of the build context has, too")
        found |= placed
    if "Dockerfile" not in found:
        raise SourceError(f"{', '.join(map(str, sources.values()))}: no Dockerfile for the root of the build context")
    return dict(sorted(found.items()))


def digest(contents: Mapping[str, Path], more: Mapping[str, bytes] | None = None) -> str:
    """`sha256:…` over paths and contents; `more` adds contents that no file has.

    The publisher's `publish.py` computes the same digest of a model and refuses to publish another one.
    """
    return _digest(_hashes(contents) | {path: hashlib.sha256(data).hexdigest() for path, data in (more or {}).items()})


def size(contents: Mapping[str, Path]) -> int:
    """The size of all files together, in bytes."""
    return sum(file.stat().st_size for file in contents.values())


def stage(contents: Mapping[str, Path], contexts: Path, name: str) -> Path:
    """Returns the folder below `contexts` that holds exactly these files, and copies them there if it does not exist.

    The folder is named by its content and appears with all of its files, so several programs can stage and build in one
    checkout at the same time. Modes and times of what it holds depend on nothing but the content.

    Raises:
        SourceError: a file changed between the computation of its digest and its being copied.
    """
    hashes = _hashes(contents)
    staged = contexts / f"{name}-{_digest(hashes).removeprefix('sha256:')[:16]}"
    if not staged.exists():
        contexts.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=contexts) as temporary:
            made = Path(temporary) / "context"
            _copy(contents, hashes, made)
            try:
                made.rename(staged)
            except OSError:
                if not staged.exists():  # else another program has staged the same files meanwhile
                    raise
    os.utime(staged, _NO_TIME)  # its change time becomes that of this use
    _delete_unused(contexts, name)
    return staged


def _copy(contents: Mapping[str, Path], hashes: Mapping[str, str], target: Path) -> None:
    for path, source in contents.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, file)
        if _sha256(file) != hashes[path]:
            raise SourceError(f"{source} was changed while it was being read; run this again")
        file.chmod(0o644)
        # Image layers hold times, so they have to repeat. They must not all be equal, either: BuildKit takes a file of
        # the same size and time for the one it has seen before.
        seconds = int(hashes[path][:6], 16)
        os.utime(file, (seconds, seconds))
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
        os.utime(folder, _NO_TIME)


def _delete_unused(contexts: Path, name: str) -> None:
    """Deletes what earlier contents of the same image have left, and what a killed program left half-copied."""
    for folder in [*contexts.glob(f"{name}-{'[0-9a-f]' * 16}"), *contexts.glob(f".{name}-*")]:
        with suppress(FileNotFoundError):  # deleted by another program
            if time.time() - folder.stat().st_ctime > _UNUSED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _digest(hashes: Mapping[str, str]) -> str:
    lines = (f"{hashed}  {path}\n" for path, hashed in sorted(hashes.items()))
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def _hashes(contents: Mapping[str, Path]) -> dict[str, str]:
    return {path: _sha256(file) for path, file in contents.items()}


def _sha256(file: Path) -> str:
    status = file.stat()
    return _sha256_of(file.absolute(), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@cache
def _sha256_of(file: Path, *_status: int) -> str:
    """SHA-256 of one state of a file, cached since a model is hashed for its digest and its build context."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _chosen(source: Path) -> Iterator[Path]:
    rules = source / ".dockerignore"
    lines = [line.strip() for line in rules.read_text(encoding="utf-8").splitlines()] if rules.exists() else []
    lines = [line for line in lines if line and not line.startswith("#")]
    allow = lines[:1] == ["*"]
    if any(line.startswith("!") != allow for line in lines[allow:]):
        raise SourceError(
            f"{rules} has to be an allow-list, with a line `*` and then only lines like `!Dockerfile` or "
            "`!package/*.py`, or a list of what to leave out, without exceptions"
        )
    roots = _allowed(source, rules, lines[1:]) if allow else [source]
    denied = set() if allow else {path for line in lines for path in source.glob(line.strip("/"))}
    for root in roots:
        found = [root] if root.is_file() else root.rglob("*")
        for path in found:
            if path.is_file() and not _stray(path.relative_to(source)) and denied.isdisjoint([path, *path.parents]):
                yield path


def _stray(path: Path) -> bool:
    """Whether a tool has left the file behind, or it only steers the build."""
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _allowed(source: Path, rules: Path, lines: Sequence[str]) -> list[Path]:
    chosen = [source / "Dockerfile"]  # a builder takes it whatever the list says
    for line in lines:
        matches = list(source.glob(line[1:].strip("/")))
        if not matches:
            raise SourceError(f"{rules} allows {line[1:]!r}, which does not exist")
        chosen += matches
    return chosen
