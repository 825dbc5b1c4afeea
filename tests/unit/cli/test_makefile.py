"""What somebody says to make reaches no shell but through the environment."""

import re
import subprocess

import pytest

from project import ROOT


def test_no_variable_of_the_user_s_is_put_into_a_command() -> None:
    makefile = (ROOT / "Makefile").read_text()
    exported = re.findall(r"^export ([A-Z]+) \?=", makefile, re.MULTILINE)
    assert {"STACK", "TEXT", "FILES", "COMMENT", "FROM", "TO", "RUNTIME", "MODEL", "NAME"} <= set(exported)
    assert [name for name in exported if re.search(rf"\$[({{]{name}[)}}]", makefile)] == []


@pytest.mark.parametrize("target", ["up", "preview", "drift", "predict", "status", "down"])
def test_each_operation_is_told_the_stack(target: str) -> None:
    command = ["make", "--dry-run", target, "STACK=a b'"]
    shown = subprocess.run(command, cwd=ROOT, check=True, text=True, capture_output=True).stdout
    assert f'cli {target} --stack "$STACK"' in shown
