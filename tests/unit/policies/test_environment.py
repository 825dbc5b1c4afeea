"""Where the pack's own environment is, and how engines come to find it."""

from pathlib import Path

import pytest

from policies import environment


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the pack's place, whose environment is there already."""
    (pack := tmp_path / "policies").mkdir()
    monkeypatch.setattr(environment, "PACK", pack)
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "cache"))
    _locked(pack, "a==1")
    return pack


def test_the_link_follows_the_lock_file(pack: Path) -> None:
    environment.link()
    first = (pack / "venv").readlink()
    _locked(pack, "a==2")
    environment.link()
    second = (pack / "venv").readlink()
    assert first != second == environment.environment()
    assert first.name.startswith("policies-")


def test_an_environment_that_pulumi_made_itself_stays(pack: Path) -> None:
    (pack / "venv").mkdir()
    environment.link()
    assert not (pack / "venv").is_symlink()


def _locked(pack: Path, requirements: str) -> None:
    """Another lock file, the environment of which was made before."""
    (pack / "requirements.txt").write_text(requirements)
    folder = environment._folder()
    folder.mkdir(parents=True)
    (folder / "done").touch()
