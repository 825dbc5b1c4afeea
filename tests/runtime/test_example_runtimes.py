"""Tests of the model servers in `runtimes/`, each in an environment of its own with what its lock file names."""

import subprocess
import sys
from pathlib import Path

import pytest

from project import ROOT

RUNTIMES = sorted(path.parent for path in ROOT.glob("runtimes/*/tests"))
assert len(RUNTIMES) >= 4, RUNTIMES


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda path: str(path.name))
def test_its_tests_pass_with_pytest_and_the_base_alone(runtime: Path) -> None:
    command = [sys.executable, "-m", "project.runtime_tests", str(runtime)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
