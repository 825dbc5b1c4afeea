"""Locks of model servers, which an image has to be able to install."""

import io
import tarfile
from argparse import Namespace
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.lock import lock, problems

PROJECT = """
[project]
name = "x-runtime"
version = "1"
requires-python = ">=3.10"
dependencies = ["fromsource"]

[dependency-groups]
dev = []
"""
HASH = "    --hash=sha256:" + "0" * 64
LOCK = f"""\
numpy==2.2.6 \\
{HASH}
    # via torch
    # from https://pypi.example/simple
torch==2.9.0+cpu \\
{HASH}
    # via x-runtime (pyproject.toml)
    # from https://me@wheels.example/cpu
typing-extensions==4.16.0 \\
{HASH}
    # from https://pypi.example/simple
"""


def test_a_package_without_a_wheel_is_refused_and_the_lock_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with tarfile.open(tmp_path / "fromsource-1.0.tar.gz", "w:gz") as archive:
        for name, text in {"PKG-INFO": "Metadata-Version: 2.4\nName: fromsource\nVersion: 1.0\n"}.items():
            entry = tarfile.TarInfo(f"fromsource-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "requirements.txt").write_text("before")
    with pytest.raises(CommandError, match="was not changed: see above; images install wheels only, never source"):
        lock(Namespace(runtime=str(tmp_path)))
    assert "has no usable wheels" in " ".join(capfd.readouterr().err.split())
    assert (tmp_path / "requirements.txt").read_text() == "before"


def test_packages_of_a_second_index_are_refused_without_its_credentials() -> None:
    (found,) = problems(LOCK)
    assert found == (
        "  torch==2.9.0+cpu: from wheels.example, expected the index of the other packages; images install from one "
        "index, the default one or that of the build secret pip-index-url"
    )
    assert not [*problems(LOCK.replace("me@wheels.example/cpu", "pypi.example/simple"))]
    assert not [*problems("")]


def test_a_package_that_has_no_hash_is_refused() -> None:
    (found,) = problems("# a comment\nmine @ git+https://git.example/mine@abc\n    # via x-runtime\n")
    assert found == "  mine: expected a version from an index; images cannot verify other sources"


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"has no pyproject\.toml: RUNTIME=… names a model server's folder"):
        lock(Namespace(runtime=str(tmp_path)))
