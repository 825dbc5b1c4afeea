"""Writing files atomically, private by default, and leaving them untouched if nothing changed; logs and locks.

An unchanged file keeps its modification time, which shows that a running process has read the current content.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

# The C emitter, if PyYAML has it, is ten times faster, and an `up` writes a dozen of documents.
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def write(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    """Make `path` hold `text` with `mode`, by an atomic replacement if its content differs."""
    content = text.encode() if isinstance(text, str) else text
    if path.exists() and path.read_bytes() == content and path.stat().st_mode & 0o777 == mode:
        return path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    new.replace(path)
    return path


def write_yaml(path: Path, document: object, mode: int = 0o600) -> Path:
    """Write one YAML document with `write`."""
    return write(path, yaml.dump(document, Dumper=_Dumper, sort_keys=False), mode)


def quoted(value: object) -> str:
    """Text for TOML and for CoreDNS in double quotes, with escapes."""
    return json.dumps(str(value), ensure_ascii=False)


def tail(path: Path, lines: int = 15) -> str:
    """Last lines of a log, for an error message; empty if there is no log."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 16384))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of the file `path`, which one process has at a time; calls `waiting` if another one has it."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
