"""Each model server of this checkout passes its own tests, in its own environment."""

import subprocess
import sys
from pathlib import Path

import pytest

from project import ROOT

RUNTIMES = sorted(path.parent for path in ROOT.glob("runtimes/*/tests"))


@pytest.mark.parametrize("runtime", RUNTIMES, ids=[path.name for path in RUNTIMES])
def test_its_own_tests_pass(runtime: Path) -> None:
    command = [sys.executable, "-m", "project.runtime_tests", runtime]
    tested = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout + tested.stderr
