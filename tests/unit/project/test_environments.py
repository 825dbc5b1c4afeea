"""Each lock file has an environment in the cache, which is built once, and nothing else is ever deleted."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from project import ROOT, runtime_tests
from project.environments import EnvironmentFailedError, folder_of, provide, venv_for
from project.marked_folder import ForeignFolderError, claim


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lock file of a runtime without dependencies; blanks are allowed in both folders."""
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "disk two/cache"))
    file = tmp_path / "my runtime/requirements.txt"
    file.parent.mkdir()
    file.write_text("# nothing\n")
    return file


def test_several_at_once_build_it_once(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(venv_for, [lock, lock])
    assert first == second == venv_for(lock)
    assert (first / "bin/python").exists()
    assert capsys.readouterr().err.count("▸ Python environment") == 1


def test_an_unfinished_environment_is_built_anew(lock: Path) -> None:
    unfinished = folder_of(lock)
    claim(unfinished)
    (unfinished / "half").touch()
    assert (venv_for(lock) / "bin/python").exists()
    assert not (unfinished / "half").exists()


def test_a_folder_that_is_not_ours_is_never_deleted(lock: Path) -> None:
    folder_of(lock).mkdir(parents=True)
    (folder_of(lock) / "thesis").touch()
    with pytest.raises(ForeignFolderError, match="this project did not make it: remove it"):
        venv_for(lock)
    assert (folder_of(lock) / "thesis").exists()


def test_a_link_follows_the_lock_file(lock: Path, tmp_path: Path) -> None:
    place = tmp_path / ".venv"
    for content in ("# before\n", "# after\n"):
        lock.write_text(content)
        folder_of(lock).mkdir(parents=True)
        (folder_of(lock) / "done").touch()
        provide(place, lock)
        assert place.readlink() == folder_of(lock)


def test_a_folder_in_place_of_the_link_is_used_if_it_has_the_packages(lock: Path, tmp_path: Path) -> None:
    place = tmp_path / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    provide(place, lock)
    assert not place.is_symlink()
    lock.write_text("pulumi==3.259.0 \\\n    --hash=sha256:0\n")
    with pytest.raises(EnvironmentFailedError, match=r"differ from .*\(pulumi==3.259.0\): remove it"):
        provide(place, lock)
    assert not any(child.name.startswith("my runtime-") for child in place.iterdir()), "nothing is linked into it"
    enough = tmp_path / "smaller.txt"
    enough.write_text("")
    provide(place, lock, enough)


def test_make_deletes_nothing_beside_a_cache_whose_path_has_blanks_and_quotes(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/thesis").touch()
    (tmp_path / "requirements-dev.txt").write_text("")
    for name in ("Makefile", "project"):
        (tmp_path / name).symlink_to(ROOT / name)
    cache = tmp_path / 'disk two\'s/"ü" cache'
    environment = os.environ | {"MODELMESH_CACHE": str(cache), "HOME": str(tmp_path / "a 'home")}
    made = subprocess.run(["make", ".venv", "enough="], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert b"sh: " not in made.stderr
    assert (tmp_path / "disk/thesis").exists()
    assert (tmp_path / ".venv/bin/python").exists()
    assert (tmp_path / ".venv").resolve().is_relative_to(cache / "venv")


def test_an_environment_that_cannot_be_made_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = subprocess.run(
        [sys.executable, "-m", "project.environments", tmp_path / ".venv", "requirements.txt"],
        cwd=ROOT, text=True, capture_output=True, env=os.environ | {"MODELMESH_CACHE": str(tmp_path / "file")},
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith("✗ the Python environment of requirements.txt can't be made: ")


def test_a_python_that_is_too_new_for_mlserver_is_reported_by_its_version(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    expected = r"MLServer needs Python 3.11 or 3.12, and this is Python 3.13: .* by make PYTHON=python3.11 …$"
    with pytest.raises(SystemExit, match=expected):
        runtime_tests.main(str(lock.parent))
    assert not folder_of(lock).exists()


def test_a_lock_file_that_cannot_be_installed_is_reported(lock: Path) -> None:
    lock.write_text("./nowhere\n")
    with pytest.raises(SystemExit, match=r"✗ .*requirements\.txt can't be installed, for the reason that pip prints"):
        runtime_tests.main(str(lock.parent))
