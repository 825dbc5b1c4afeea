"""Tests of the model servers in `runtimes/`, each in an environment of its own with what its lock file names."""

import os
import subprocess
from pathlib import Path

import pytest

from project import ROOT
from project.environments import venv_for
from project.model_server import BASE

RUNTIMES = sorted(path.parent for path in ROOT.glob("runtimes/*/tests"))


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda path: str(path.name))
def test_its_tests_pass_with_pytest_and_the_base_alone(runtime: Path) -> None:
    python = venv_for(runtime / "requirements.txt") / "bin/python"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(BASE)}
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", str(runtime)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
