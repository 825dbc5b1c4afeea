"""Folders that this project made, and may delete: each has a marker, so that no other folder is ever deleted."""

import shutil
from pathlib import Path

from project.errors import UserError

MARKER = ".modelmesh-stack"


class ForeignFolderError(UserError):
    """A folder that another program made has a path that this project uses."""


def foreign(folder: Path, *, ours: bool = False) -> str | None:
    """Return the reason not to delete `folder`; None if it is marked, empty or absent, or if it is `ours` anyway."""
    if ours or not folder.exists() or (folder / MARKER).exists() or not any(folder.iterdir()):
        return None
    return (
        f"{folder} exists, but this project did not make it: remove it, or name another place for it; an empty file "
        f"{folder / MARKER} marks it as a folder that may be deleted"
    )


def claim(folder: Path, *, ours: bool = False, mode: int = 0o777) -> None:
    """Make `folder` with its marker, and with `mode` unless it exists.

    Raises:
        ForeignFolderError: It holds files and no marker, and is not `ours` anyway.
    """
    if reason := foreign(folder, ours=ours):
        raise ForeignFolderError(reason)
    folder.mkdir(parents=True, exist_ok=True, mode=mode)
    (folder / MARKER).touch()


def delete(folder: Path) -> None:
    """Delete a folder. The marker goes last, so that a deletion that was interrupted can be repeated.

    Raises:
        ForeignFolderError: It holds files and no marker.
    """
    claim(folder)
    for entry in folder.iterdir():
        if entry.name != MARKER:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    shutil.rmtree(folder)
