"""Nothing is deleted but what this project has made."""

import shutil
from pathlib import Path

import pytest

from project.marked_folder import MARKER, ForeignFolderError, claim, delete


def test_a_folder_of_our_own_is_deleted_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder, outside = tmp_path / 'disk "two"/é', tmp_path / "thesis"
    outside.mkdir()
    claim(folder)
    (folder / "cluster/pki").mkdir(parents=True)
    (folder / "link").symlink_to(outside)
    delete(folder)
    assert not folder.exists()
    assert outside.exists()


def test_a_folder_of_somebody_else_s_is_neither_used_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis").touch()
    for change in (claim, delete):
        with pytest.raises(ForeignFolderError, match=f"{tmp_path} exists, but this project did not make it: remove it"):
            change(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    claim(tmp_path)
    assert (tmp_path / MARKER).exists()


def test_a_folder_of_an_earlier_version_is_marked(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    claim(tmp_path, ours=True)
    delete(tmp_path)
    assert not tmp_path.exists()


def test_a_deletion_that_was_interrupted_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "dev"
    claim(folder)
    for name in ("a", "z"):
        (folder / name).mkdir()

    def interrupt(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", interrupt)
        with pytest.raises(KeyboardInterrupt):
            delete(folder)
    assert (folder / MARKER).exists()
    delete(folder)
    assert not folder.exists()
