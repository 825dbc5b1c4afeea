"""Folders as content: the same files give the same digest and the same build context in every checkout.

Modes, times, owners and the order of a folder are nobody's intention, so none of them may show up as a change.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import pulumi


class BadSource(pulumi.RunError):
    """A source folder that cannot be used as it is."""


def files(source: Path) -> dict[str, bytes]:
    """The contents by relative POSIX path, sorted.

    A `.dockerignore` in the folder decides what belongs to it, and has to be an allow-list: `*`, then `!` lines with a
    file, folder or glob each. An allow-list fails loudly for a forgotten file; a deny-list silently ships a stray one.
    """
    if not source.is_dir():
        raise BadSource(f"{source} is not a folder")
    contents = {path.relative_to(source).as_posix(): path.read_bytes() for path in _chosen(source)}
    if not contents:
        raise BadSource(f"{source} holds no files")
    return dict(sorted(contents.items()))


def context(sources: Mapping[str, Path]) -> dict[str, bytes]:
    """The contents of a build context: those of each source folder, below the folder it goes to (`""` is the root)."""
    contents: dict[str, bytes] = {}
    for folder, source in sources.items():
        placed = {(PurePosixPath(folder) / path).as_posix(): data for path, data in files(source).items()}
        if both := sorted(contents.keys() & placed.keys()):
            raise BadSource(f"{source} brings {both[0]}, which another source of the build context has, too")
        contents |= placed
    if "Dockerfile" not in contents:
        raise BadSource(f"{', '.join(map(str, sources.values()))}: no Dockerfile for the root of the build context")
    return dict(sorted(contents.items()))


def digest(contents: dict[str, bytes]) -> str:
    """`sha256:…` over paths and contents; the publisher's `publish.py` computes the same, and refuses another one."""
    lines = (f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(contents.items()))
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def stage(contents: dict[str, bytes], target: Path) -> None:
    """Makes `target` hold exactly these files, with one mode, and times that depend on nothing but their content."""
    if target.exists():
        shutil.rmtree(target)
    for path, data in contents.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(0o644)
        # Image layers hold times, so they have to repeat. They must not all be equal, either: BuildKit takes a file of
        # the same size and time for the one it has seen before.
        seconds = int.from_bytes(hashlib.sha256(data).digest()[:3])
        os.utime(file, (seconds, seconds))
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
        os.utime(folder, (0, 0))


def _chosen(source: Path) -> Iterator[Path]:
    rules = source / ".dockerignore"
    roots = _allowed(source, rules) if rules.exists() else [source]
    for root in roots:
        found = [root] if root.is_file() else root.rglob("*")
        yield from (path for path in found if path.is_file() and not _stray(path.relative_to(source)))


def _stray(path: Path) -> bool:
    """What tools leave behind, and what only steers the build."""
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _allowed(source: Path, rules: Path) -> list[Path]:
    lines = [line.strip() for line in rules.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if lines[:1] != ["*"] or not all(line.startswith("!") for line in lines[1:]):
        raise BadSource(
            f"{rules} has to be an allow-list: a line `*`, then only lines like `!Dockerfile` or `!package/*.py`"
        )
    chosen = [path for path in [source / "Dockerfile"] if path.is_file()]  # a builder takes it whatever the list says
    for line in lines[1:]:
        matches = list(source.glob(line[1:].strip("/")))
        if not matches:
            raise BadSource(f"{rules} allows {line[1:]!r}, which does not exist")
        chosen += matches
    return chosen
