"""`pulumi` in a shell of this checkout is the engine with what `make` gives it, and elsewhere the engine alone."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project import COMMANDS, ROOT
from tests.unit.cli.conftest import Programs
from tests.unit.cli.test_scratch import INIT

SHELL = {"PULUMI_STACK": "dev", "INSTANCE": "test"}


@pytest.fixture
def clone(programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose environments exist, with an embedded node that was started, and a stand-in for the engine."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("cli", "project", "embedded", "models", "runtime_src", "runtimes"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / "policies/venv").mkdir(parents=True)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    (folder / "policies/venv/bin").symlink_to(Path(sys.prefix) / "bin")
    (folder / "policies/requirements.txt").write_text("")
    handed = {
        "kubeconfig": "/node/k", "context": "node", "registry": "r", "builder": "b", "base_image": "python",
        "images": {}, "mesh": {}, "programs": "/node/bin", "variables": {"PULUMI_BACKEND_URL": "file:///node"},
    }  # fmt: skip
    (tmp_path / "data/test").mkdir(parents=True)
    (tmp_path / "data/test/handover.json").write_text(json.dumps(handed))
    monkeypatch.setenv("MODELMESH_DATA", str(tmp_path / "data"))
    programs.add("pulumi", f'{INIT.replace("prod", "dev")}\necho "$*"; env')
    return folder


def pulumi(clone: Path, *arguments: str, folder: Path | None = None) -> list[str]:
    """The lines that the engine prints: its arguments and its environment."""
    commands = clone / COMMANDS.relative_to(ROOT)
    environment = os.environ | SHELL | {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["pulumi", *arguments], cwd=folder or clone, env=environment, check=True, capture_output=True, text=True
    ).stdout.splitlines()  # fmt: skip


def test_the_stack_of_the_node_needs_no_flag_and_no_tracked_file_changes(clone: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in clone.glob("Pulumi*")}
    shown = pulumi(clone, "preview")
    config = tmp_path / "data/test/stack/Pulumi.dev.yaml"
    assert shown[0] == "preview"
    assert {
        "PULUMI_STACK=dev", "PULUMI_BACKEND_URL=file:///node", f"PULUMI_OPTION_CONFIG_FILE={config}",
        f"PULUMI_OPTION_POLICY_PACK={clone}/policies/pack", "PULUMI_OPTION_SKIP_CONFIG_VALIDATION=true",
    } <= set(shown)  # fmt: skip
    assert {file.name: file.read_bytes() for file in clone.glob("Pulumi*")} == before
    assert (clone / ".build/models/sentiment/vader_lexicon.txt").exists(), "the program needs the example model"
    (clone / "Pulumi.dev.yaml").write_text("config:\n  modelmesh:podsPerRuntime: 7\n")
    pulumi(clone, "up")
    assert "modelmesh:podsPerRuntime: 7" in config.read_text(), "an edit counts at once"


@pytest.mark.parametrize(
    "arguments",
    [["--stack", "prod"], ["--stack=prod"], ["-s", "prod"], ["--stack", "org/p/prod"], ["-ys", "prod"], ["-yfsprod"]],
)
def test_a_stack_on_another_cluster_gets_nothing_of_the_node(clone: Path, arguments: list[str]) -> None:
    shown = pulumi(clone, "preview", *arguments)
    assert shown[0] == " ".join(["preview", *arguments])
    assert not any(line.startswith(("PULUMI_BACKEND_URL=", "PULUMI_OPTION_CONFIG_FILE=")) for line in shown)
    assert f"PULUMI_OPTION_POLICY_PACK={clone}/policies/pack" in shown


def test_configuration_is_edited_in_the_tracked_file(clone: Path) -> None:
    shown = pulumi(
        clone, "--non-interactive", "--color", "never", "-v", "3", "config", "set", "modelmesh:podsPerRuntime", "2"
    )
    assert not any(line.startswith("PULUMI_OPTION_CONFIG_FILE=") for line in shown)


def test_another_project_is_left_alone(clone: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "Pulumi.yaml").write_text("name: other\nruntime: python\n")
    for shown in (pulumi(clone, "up", folder=other), pulumi(clone, "up", "-C", str(other))):
        assert shown[0].startswith("up")
        assert not any(line.startswith(("PULUMI_BACKEND_URL=", "PULUMI_OPTION_")) for line in shown)


def test_a_stack_on_another_cluster_needs_nothing_of_the_node(clone: Path) -> None:
    shutil.rmtree(clone / "embedded")
    assert pulumi(clone, "preview", "--stack", "prod")[0] == "preview --stack prod"
