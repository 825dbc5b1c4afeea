"""Manifests of models: what they say has to be so, to the byte, or the error names the file and why."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime_src.modelmesh_runtime.manifest import Manifest, ManifestError, read_manifest, write_manifest

FORMAT = "words"
MANIFEST = Manifest(name="finance", version="2026-11")
READS = ["words.txt", "more.txt"]
GOOD = b"good\t1.9\n"
SUM = hashlib.sha256(GOOD).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "words.txt").write_bytes(GOOD)
    (tmp_path / "LICENSE.txt").write_bytes(b"free\n")
    write_manifest(tmp_path, FORMAT, MANIFEST)
    return tmp_path


def refusal(folder: Path) -> str:
    with pytest.raises(ManifestError) as caught:
        read_manifest(folder, FORMAT, READS)
    return str(caught.value)


def change(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_what_was_written_is_read(folder: Path) -> None:
    assert read_manifest(folder, FORMAT, READS) == MANIFEST


def test_it_lists_every_file_with_size_and_sum(folder: Path) -> None:
    assert json.loads((folder / "manifest.json").read_text()) == {
        "format": "words",
        "formatVersion": 1,
        "name": "finance",
        "version": "2026-11",
        "files": {
            "LICENSE.txt": {"bytes": 5, "sha256": hashlib.sha256(b"free\n").hexdigest()},
            "words.txt": {"bytes": 9, "sha256": SUM},
        },
    }


def test_writing_it_again_changes_nothing(folder: Path) -> None:
    before = (folder / "manifest.json").read_bytes()
    assert write_manifest(folder, FORMAT, MANIFEST) == folder / "manifest.json"
    assert (folder / "manifest.json").read_bytes() == before


def test_a_folder_may_do_without_one(tmp_path: Path) -> None:
    assert read_manifest(tmp_path, FORMAT, READS) is None


def test_a_file_is_a_model_without_one(folder: Path) -> None:
    assert read_manifest(folder / "words.txt", FORMAT, READS) is None


def test_files_that_nobody_reads_need_not_be_listed(folder: Path) -> None:
    (folder / "notes.md").touch()
    assert read_manifest(folder, FORMAT, READS) == MANIFEST


def test_files_that_are_read_have_to_be_listed(folder: Path) -> None:
    (folder / "more.txt").touch()
    assert refusal(folder) == "more.txt: expected among the files of manifest.json, which does not list it"


def test_a_truncated_file_is_told_by_its_size(folder: Path) -> None:
    (folder / "words.txt").write_bytes(GOOD[:-1])
    assert refusal(folder) == "words.txt: expected bytes 9 as in manifest.json, got 8"


def test_a_changed_file_is_told_by_its_sum(folder: Path) -> None:
    (folder / "words.txt").write_bytes(b"good\t1.8\n")
    changed = hashlib.sha256(b"good\t1.8\n").hexdigest()
    assert refusal(folder) == f"words.txt: expected sha256 {SUM} as in manifest.json, got {changed}"


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "LICENSE.txt").unlink()
    assert refusal(folder) == "LICENSE.txt: expected in the model's directory, as manifest.json lists it"


def test_a_folder_is_no_file(folder: Path) -> None:
    (folder / "words.txt").unlink()
    (folder / "words.txt").mkdir()
    assert refusal(folder) == "words.txt: expected in the model's directory, as manifest.json lists it"


KEYS = "format, formatVersion, name, version, files"


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda content: content.pop("format"), "manifest.json: expected format 'words', got None"),
        (lambda content: content.update(format="images"), "manifest.json: expected format 'words', got 'images'"),
        (lambda content: content.update(formatVersion=2), "manifest.json: expected formatVersion 1, got 2"),
        (lambda content: content.update(formatVersion="1"), "manifest.json: expected formatVersion 1, got '1'"),
        (
            lambda content: content.update(formatVersion=2, signature="…"),
            "manifest.json: expected formatVersion 1, got 2",
        ),
        (lambda content: content.update(formatVersion=True), "manifest.json: formatVersion: expected int, got bool"),
        (
            lambda content: content.update(author="me"),
            f"manifest.json: expected the keys {KEYS}, got '{KEYS}, author'",
        ),
        (
            lambda content: content.pop("version"),
            f"manifest.json: expected the keys {KEYS}, got 'format, formatVersion, name, files'",
        ),
        (lambda content: content.update(version=3), "manifest.json: version: expected str, got int"),
        (lambda content: content.update(files=["words.txt"]), "manifest.json: files: expected dict, got list"),
        (
            lambda content: content["files"].update({"../words.txt": {}}),
            "manifest.json: files: '../words.txt': expected a file name without a path",
        ),
        (
            lambda content: content["files"].update({"/etc/passwd": {}}),
            "manifest.json: files: '/etc/passwd': expected a file name without a path",
        ),
        (
            lambda content: content["files"].update({"..": {"bytes": 1, "sha256": "0" * 64}}),
            "..: expected in the model's directory, as manifest.json lists it",
        ),
        (
            lambda content: content["files"].update({"words.txt": SUM}),
            "manifest.json: files: 'words.txt': expected a JSON object, got str",
        ),
        (
            lambda content: content["files"]["words.txt"].update(mode="0644"),
            "manifest.json: files: 'words.txt': expected the keys bytes, sha256, got 'bytes, sha256, mode'",
        ),
        (
            lambda content: content["files"]["words.txt"].update(bytes="9"),
            "manifest.json: files: 'words.txt': bytes: expected int, got str",
        ),
        (
            lambda content: content["files"]["words.txt"].update(sha256=SUM.upper()),
            f"manifest.json: files: 'words.txt': sha256: expected 64 hexadecimal digits, got '{SUM.upper()}'",
        ),
    ],
)
def test_a_manifest_of_another_form_is_refused(
    folder: Path, edit: Callable[[dict[str, Any]], Any], reason: str
) -> None:
    change(folder, edit)
    assert refusal(folder) == reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "expected JSON in UTF-8: Expecting value"),
        (b'{"format": "words",', "expected JSON in UTF-8: Expecting property name"),
        (b'{"name": "caf\xe9"}', "expected JSON in UTF-8: 'utf-8' codec can't decode byte 0xe9"),
        (b"[" * 100_000, "expected JSON in UTF-8: maximum recursion depth exceeded"),
        (b"[]", "expected a JSON object, got list"),
        (b"null", "expected a JSON object, got NoneType"),
    ],
)
def test_what_is_no_json_object_is_refused(folder: Path, content: bytes, reason: str) -> None:
    (folder / "manifest.json").write_bytes(content)
    assert re.match(re.escape(f"manifest.json: {reason}"), refusal(folder))
