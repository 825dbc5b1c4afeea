"""What somebody says to make reaches no shell but through the environment."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from project import ROOT


def test_no_variable_of_the_user_s_is_put_into_a_command() -> None:
    makefile = (ROOT / "Makefile").read_text()
    exported = re.findall(r"^export ([A-Z]+) \?=", makefile, re.MULTILINE)
    assert {"STACK", "TEXT", "FILE", "FILES", "SECONDS", "COMMENT", "FROM", "TO", "MODEL", "NAME"} <= set(exported)
    assert [name for name in exported if re.search(rf"\$[({{]{name}[)}}]", makefile)] == []


@pytest.mark.parametrize("target", ["up", "preview", "drift", "predict", "bench", "doctor", "down"])
def test_each_operation_is_told_the_stack(target: str) -> None:
    command = ["make", "--dry-run", target, "STACK=a b'"]
    shown = subprocess.run(command, cwd=ROOT, check=True, text=True, capture_output=True).stdout
    assert f'cli {target} --stack "$STACK"' in shown


def test_the_former_name_of_doctor_still_works() -> None:
    shown = subprocess.run(["make", "--dry-run", "status"], cwd=ROOT, check=True, text=True, capture_output=True).stdout
    assert 'cli doctor --stack "$STACK"' in shown


def test_the_upstream_source_is_found_in_a_cache_whose_path_has_blanks_and_quotes(tmp_path: Path) -> None:
    cache = tmp_path / "ü \"a' b, c"
    source = cache / "toolchain/current/modelmesh-serving-source"
    source.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MODELMESH_")}
    shown = subprocess.run(
        ["make", "--eval=shown: ; @printenv MODELMESH_SERVING_SRC", "shown"], cwd=ROOT, check=True, text=True,
        capture_output=True, env=environment | {"MODELMESH_CACHE": str(cache)},
    )  # fmt: skip
    assert (shown.stdout, shown.stderr) == (f"{source}\n", "")
