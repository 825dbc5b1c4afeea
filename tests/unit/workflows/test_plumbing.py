"""The few lines of shell that workflows hold, run as GitHub runs them: with git, and with a stand-in for `gh`."""

import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.workflows.parsed import job, setup_steps

# Answers `gh pr list` with what the file `proposed` says, writes a number there when one is opened, notes all calls.
GH = """#!/bin/bash
printf '%s\\n' "$*" >> "$GH_FOLDER/calls"
case "$1 $2" in
  "pr list") cat "$GH_FOLDER/proposed" ;;
  "pr create") echo 12 > "$GH_FOLDER/proposed"; echo https://github.com/a/b/pull/12 ;;
esac
"""
OLD, NEW = "modelmesh:modelDigest: sha256:old\n", "modelmesh:modelDigest: sha256:new\n"


@dataclass(frozen=True)
class Repository:
    """A clone that a promotion is proposed from; `folder` holds what stands in for GitHub."""

    clone: Path
    folder: Path

    def git(self, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=self.clone, check=True, text=True, capture_output=True).stdout

    def propose(self) -> list[str]:
        """Run the workflow's own lines; returns the calls of `gh`, of which each run does the first two."""
        (script,) = [step.script for step in job("promote", "propose").steps if "gh " in step.script]
        (self.folder / "calls").write_text("")
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        variables = {"FROM": "dev", "TO": "staging", "GH_FOLDER": str(self.folder), "PATH": path}
        subprocess.run(["bash", "-e", "-c", script], cwd=self.clone, env=os.environ | variables, check=True)
        listed, logged_in, *calls = (self.folder / "calls").read_text().splitlines()
        assert listed.startswith("pr list --state open --base main --head promote/staging ")
        assert "isCrossRepository | not" in listed, "a fork may have a branch of the same name"
        assert logged_in == "auth setup-git"
        return [call for call in calls if not call.startswith("pr list ")]

    def proposed(self, number: str) -> None:
        (self.folder / "proposed").write_text(number)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for variable, value in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}.items():
        monkeypatch.setenv(variable, value)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{role}_NAME", raising=False)
        monkeypatch.delenv(f"GIT_{role}_EMAIL", raising=False)
    made = Repository(tmp_path / "clone", tmp_path)
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", tmp_path / "origin"], check=True)
    subprocess.run(["git", "clone", "--quiet", tmp_path / "origin", made.clone], check=True, capture_output=True)
    for name in ("Pulumi.staging.yaml", "other.txt"):
        (made.clone / name).write_text(OLD)
    made.git("add", ".")
    made.git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=first")
    made.git("push", "--quiet", "origin", "HEAD:main")
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    made.proposed("")
    return made


def test_a_changed_stack_file_is_proposed_once_and_previewed(repository: Repository) -> None:
    for name in ("Pulumi.staging.yaml", "other.txt"):
        (repository.clone / name).write_text(NEW)
    opened, previewed = repository.propose()
    assert opened.startswith("pr create --base main --head promote/staging --title Promote what dev runs to staging ")
    assert previewed == "workflow run preview.yml --ref promote/staging --field number=12"
    diff = repository.git("diff", "--unified=0", "origin/main", "origin/promote/staging")
    assert [line for line in diff.splitlines() if line.startswith(("+", "-"))] == [
        "--- a/Pulumi.staging.yaml", "+++ b/Pulumi.staging.yaml", f"-{OLD.strip()}", f"+{NEW.strip()}",
    ]  # fmt: skip


def test_a_promotion_that_waits_already_is_updated(repository: Repository) -> None:
    (repository.clone / "Pulumi.staging.yaml").write_text("older")
    assert len(repository.propose()) == 2
    repository.git("switch", "--quiet", "main")
    repository.git("branch", "--delete", "--force", "promote/staging")
    repository.proposed("7")
    (repository.clone / "Pulumi.staging.yaml").write_text(NEW)
    assert repository.propose() == ["workflow run preview.yml --ref promote/staging --field number=7"]
    assert repository.git("show", "origin/promote/staging:Pulumi.staging.yaml") == NEW


def test_nothing_is_proposed_where_nothing_changed(repository: Repository) -> None:
    assert repository.propose() == []
    assert repository.git("branch", "--remotes").split() == ["origin/main"]


def test_a_promotion_that_came_to_nothing_is_closed(repository: Repository) -> None:
    repository.proposed("7")
    (closed,) = repository.propose()
    assert closed.startswith("pr close 7 ")


def test_the_kubeconfig_is_for_its_owners_eyes_only(tmp_path: Path) -> None:
    """Even where another tool made the file before, readable for all; and it is not printed."""
    (step,) = [step for step in setup_steps() if step.script]
    assert step.content["if"] == "inputs.kubeconfig != ''"
    assert step.content["env"] == {"CONTENTS": "${{ inputs.kubeconfig }}"}
    file = tmp_path / ".kube/config"
    contents = "users:\n- name: '%s $HOME `id`'\n  token: \"a\\b\""
    for _ in range(2):
        variables = {"HOME": str(tmp_path), "CONTENTS": contents}
        command = ["bash", "-e", "-o", "pipefail", "-c", step.script]
        ended = subprocess.run(command, env=os.environ | variables, check=True, text=True, capture_output=True)
        assert (ended.stdout, ended.stderr) == ("", "")
        assert file.read_text() == f"{contents}\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.chmod(0o644)
