"""The file `manifest.json` in a model's directory, which describes the model and lists its files.

This module defines the format and checks the files against it: a truncated download, or a file of another version, is
reported by name before the model is served. The model interprets the files. The server is not imported, so that a
model can be checked before it is published.

    {"format": "vader-lexicon", "formatVersion": 1, "name": "vader", "version": "3.3.2",
     "files": {"vader_lexicon.txt": {"bytes": 434304, "sha256": "…"}}}
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST_FILE = "manifest.json"
FORMAT_VERSION = 1
"""Version of the format, incremented when older servers could not read the files or would misinterpret them."""


class ManifestError(ValueError):
    """A model's directory does not match its manifest; the message is `file: reason`."""


@dataclass(frozen=True)
class Manifest:
    """Description of a model."""

    name: str
    """Name of the data, independent of the name under which the model is served."""
    version: str
    """Version of the data."""


def read_manifest(folder: Path, format_: str, reads: Iterable[str]) -> Manifest | None:
    """Check a model's directory against its manifest and return its description; None without a manifest.

    Args:
        folder: The model's directory.
        format_: Required value of the manifest's `format`.
        reads: Files that the model reads. If they exist, they have to be listed, so that every served file is checked.

    Raises:
        ManifestError: The manifest is malformed, or a file is missing, not listed or does not match.
        OSError: A file cannot be read.
    """
    path = folder / MANIFEST_FILE
    if not path.exists():
        return None
    content = _object(MANIFEST_FILE, _json(path))
    # Checked first, since other versions may have other keys.
    for key, expected in {"format": format_, "formatVersion": FORMAT_VERSION}.items():
        if content.get(key) != expected:
            raise ManifestError(f"{MANIFEST_FILE}: expected {key} {expected!r}, got {_short(content.get(key))}")
    types = {"format": str, "formatVersion": int, "name": str, "version": str, "files": dict}
    fields = _fields(MANIFEST_FILE, content, types)
    for name, entry in fields["files"].items():
        _check_file(folder, name, entry)
    for name in reads:
        if (folder / name).exists() and name not in fields["files"]:
            raise ManifestError(f"{name}: expected among the files of {MANIFEST_FILE}, which does not list it")
    return Manifest(name=fields["name"], version=fields["version"])


def write_manifest(folder: Path, format_: str, manifest: Manifest) -> Path:
    """Write the manifest of all files in a directory and return its path. Equal files give equal manifests."""
    path = folder / MANIFEST_FILE
    files = {
        file.name: {"bytes": file.stat().st_size, "sha256": _sha256(file)}
        for file in sorted(folder.iterdir())
        if file.is_file() and file != path
    }
    content = {
        "format": format_,
        "formatVersion": FORMAT_VERSION,
        "name": manifest.name,
        "version": manifest.version,
        "files": files,
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def _check_file(folder: Path, name: str, entry: object) -> None:
    where = f"{MANIFEST_FILE}: files: {_short(name)}"
    if Path(name).name != name:
        raise ManifestError(f"{where}: expected a file name without a path")
    expected = _fields(where, _object(where, entry), {"bytes": int, "sha256": str})
    if not re.fullmatch("[0-9a-f]{64}", expected["sha256"]):
        raise ManifestError(f"{where}: sha256: expected 64 hexadecimal digits, got {_short(expected['sha256'])}")
    path = folder / name
    if not path.is_file():
        raise ManifestError(f"{name}: expected in the model's directory, as {MANIFEST_FILE} lists it")
    # Size first, to distinguish a truncated file from a changed one.
    found: dict[str, int | str] = {"bytes": path.stat().st_size}
    if found == {"bytes": expected["bytes"]}:
        found["sha256"] = _sha256(path)
    for key, value in found.items():
        if value != expected[key]:
            raise ManifestError(f"{name}: expected {key} {expected[key]} as in {MANIFEST_FILE}, got {value}")


def _json(path: Path) -> object:
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(content, ensure_ascii=False).encode()  # \\u may give an unpaired surrogate, which can't be sent
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path.name}: expected JSON in UTF-8: {error}") from error
    return content


def _object(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ManifestError(f"{where}: expected a JSON object, got {type(value).__name__}")
    return value


def _fields(where: str, value: dict[str, Any], types: dict[str, type]) -> dict[str, Any]:
    if value.keys() != types.keys():
        raise ManifestError(f"{where}: expected the keys {', '.join(types)}, got {_short(', '.join(value))}")
    for key, kind in types.items():
        # An exact comparison, since bool is a subclass of int.
        if type(value[key]) is not kind:
            raise ManifestError(f"{where}: {key}: expected {kind.__name__}, got {type(value[key]).__name__}")
    return value


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]} …"
