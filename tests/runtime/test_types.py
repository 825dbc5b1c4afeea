"""The model server is strictly typed; that can only be checked in its own environment, which has MLServer."""

import os
import subprocess
import sys
from pathlib import Path

from project.environments import venv_for

BASE = Path(__file__).parents[2] / "runtime_src"
RUNTIME = BASE.parent / "runtimes/sentiment"
PROBE = Path(__file__).with_name("probe")
TEMPLATE = BASE.parent / "benchmarks/template"


def test_the_model_server_is_strictly_typed() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", RUNTIME / "pyproject.toml",
         "--python-executable", venv_for(RUNTIME / "requirements.txt") / "bin/python", BASE / "modelmesh_runtime",
         *RUNTIME.glob("*.py"), *PROBE.glob("*.py"), *TEMPLATE.glob("*.py"), *TEMPLATE.with_name("echo").glob("*.py")],
        capture_output=True, text=True, env=os.environ | {"MYPYPATH": f"{BASE}:{RUNTIME}"},
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
