"""A preview where there is no network at all: no cluster, no registry, no builder, no backend, no secret."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from project import ROOT
from tests.unit.stack.engine import encrypted_keys, run_stack, stack_config


def test_every_resource_is_listed_and_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    stack = "prod"
    recorded = run_stack(stack_config(stack), encrypted=encrypted_keys(stack)).resources
    expected = {f"{resource.token}::{resource.name}" for resource in recorded} | {
        f"pulumi:pulumi:Stack::modelmesh-{stack}"
    }
    comment = tmp_path / "preview.md"
    before = _files()
    # Of a network, the engine and its plugins need the loopback device to talk to each other.
    command = 'ip link set lo up && exec make preview STACK="$0" COMMENT="$1"'
    bare = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI")} | {
        "HOME": str(Path.home())
    }
    ended = subprocess.run(
        ["unshare", "--net", "sh", "-c", command, stack, str(comment)],
        cwd=ROOT, env=bare, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    urns = re.findall(r"\[urn=urn:pulumi:[^:]+::modelmesh::(\S+)\]", ended.stdout)
    assert {"::".join([urn.split("$")[-1].split("::")[0], urn.split("::")[-1]]) for urn in urns} == expected
    assert f"The state of {stack} can't be read here" in ended.stdout
    assert "was not reached" in ended.stdout
    assert stack in comment.read_text().splitlines()[0]
    assert _files() == before, "a checkout stays clean"


def _files() -> str:
    return subprocess.run(["git", "status", "--short"], cwd=ROOT, check=True, text=True, capture_output=True).stdout
