"""A runtime as `make new-runtime` makes it: its own tests pass, in its own environment, and it is strictly typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.new_runtime import make
from project.environments import venv_for
from project.model_server import BASE
from tests.cluster.checkout import copied


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new runtime in a checkout of its own."""
    return make("keyword-counter", copied(tmp_path_factory.mktemp("checkout")))


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": "", "MYPYPATH": str(BASE)},
    )


def test_its_generated_tests_pass(runtime: Path) -> None:
    tested = run(sys.executable, "-m", "project.runtime_tests", "runtimes/keyword-counter", folder=runtime.parents[1])
    assert tested.returncode == 0, tested.stdout
    assert "3 passed" in tested.stdout


def test_its_generated_tests_notice_a_model_that_is_wrong(runtime: Path) -> None:
    model = runtime / "keyword_counter_model.py"
    text = model.read_text()
    assert "word in self" in text
    model.write_text(text.replace("word in self", "word not in self"))
    tested = run(sys.executable, "-m", "project.runtime_tests", "runtimes/keyword-counter", folder=runtime.parents[1])
    model.write_text(text)
    assert "1 failed, 2 passed" in tested.stdout


def test_it_is_strictly_typed(runtime: Path) -> None:
    python = venv_for(runtime / "requirements.txt") / "bin/python"
    modules = sorted(path.name for path in runtime.glob("*.py"))
    checked = run(sys.executable, "-m", "mypy", "--python-executable", python, *modules, folder=runtime)
    assert checked.returncode == 0, checked.stdout


def test_it_is_in_the_projects_style(runtime: Path) -> None:
    for arguments in (["format", "--check"], ["check"]):
        checked = run(Path(sys.executable).parent / "ruff", *arguments, "runtimes", folder=runtime.parents[1])
        assert checked.returncode == 0, checked.stdout
