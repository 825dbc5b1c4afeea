"""`make runtime` says what to do next where there is nothing to serve; serving itself is tried in tests/runtime."""

from argparse import Namespace
from contextlib import suppress
from pathlib import Path

import pytest

from cli.runtime import make_sample, runtime
from project.errors import UserError

SETTINGS = '{"name": "mine", "parameters": {"uri": "./model"}}'


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime's folder with a model, whose environment is not there yet."""
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "mine"
    (folder / "model").mkdir(parents=True)
    (folder / "model-settings.json").write_text(SETTINGS)
    return folder


def serve(source: Path, model: str = "") -> None:
    runtime(Namespace(runtime=str(source), model=model, text="any"))


def test_a_folder_that_is_no_runtime_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no model server's folder: .* make new-runtime NAME=… creates such"):
        serve(tmp_path)


def test_a_model_that_is_not_there_is_told_before_anything_is_built(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere does not exist: MODEL=… names"):
        serve(source, "nowhere")
    (source / "model").rmdir()
    with pytest.raises(UserError, match=r"mine/model does not exist: MODEL=… names"):
        serve(source)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"name": "a"}', '{"name": "a", "parameters": {}}'])
def test_a_settings_file_that_names_no_model_is_told(source: Path, text: str) -> None:
    (source / "model-settings.json").write_text(text)
    with pytest.raises(UserError, match=r"model-settings\.json: expected JSON with name and parameters\.uri"):
        serve(source)


def test_a_missing_lock_file_is_told_with_the_command_that_makes_it(source: Path) -> None:
    with pytest.raises(UserError, match=rf"does not exist: make lock RUNTIME={source} creates it"):
        serve(source)


def test_requirements_that_cannot_be_installed_are_told(source: Path, tmp_path: Path) -> None:
    (source / "requirements.txt").write_text("./nowhere\n")
    with pytest.raises(UserError, match=r"requirements\.txt can't be installed, for the reason that pip prints above"):
        serve(source)
    assert not list((tmp_path / "cache").rglob("done")), "half an environment is none"


@pytest.mark.parametrize(("code", "left"), [(0, ["model"]), (1, [])])
def test_a_sample_model_is_made_whole_or_not_at_all(tmp_path: Path, code: int, left: list[str]) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin/python"
    python.write_text(f'#!/bin/sh\nmkdir "$2"\necho half >"$2/file"\nexit {code}\n')
    python.chmod(0o755)
    with suppress(UserError):
        make_sample(tmp_path, Path("sample_model.py"), tmp_path / "models/model")
    assert [each.name for each in (tmp_path / "models").iterdir()] == left
