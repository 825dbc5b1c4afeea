"""Each lock file has an environment in the cache, which is built once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.environments import venv_for


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One of a runtime that needs nothing."""
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "mine/requirements.txt"
    file.parent.mkdir()
    file.write_text("# nothing\n")
    return file


def test_several_at_once_build_it_once(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(venv_for, [lock, lock])
    assert first == second == venv_for(lock)
    assert (first / "bin/python").exists()
    assert capsys.readouterr().err.count("▸ Python environment") == 1
