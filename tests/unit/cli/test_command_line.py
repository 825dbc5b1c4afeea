"""Each command has its own options, and those of stacks on other clusters load nothing of the embedded node."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.__main__ import parser
from project import ROOT
from tests.unit.cli.conftest import Programs
from tests.unit.cli.test_scratch import INIT
from tests.unit.stack.upstream_tree import tree

SERVICE = "kind: InferenceService\napiVersion: serving.kserve.io/v1beta1\nmetadata: {name: x}\nspec: {}\n"


def options(command: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    with pytest.raises(SystemExit):
        parser().parse_args([command, "--help"])
    return {word.strip("[]") for word in capsys.readouterr().out.split() if word.strip("[]").startswith("--")}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("up", {"--help", "--stack", "--instance", "--yes"}),
        ("check", {"--help", "--output"}),
        ("clean", {"--help", "--instance"}),
        ("promote", {"--help", "--instance", "--from", "--to"}),
    ],
)
def test_a_command_shows_what_it_takes(command: str, expected: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert options(command, capsys) == expected


def test_an_option_of_another_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["check", "--stack", "dev"])
    assert "unrecognized arguments: --stack" in capsys.readouterr().err


def test_variables_of_make_are_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"STACK": "prod", "YES": "1", "FROM": "dev", "TO": "staging"}.items():
        monkeypatch.setenv(name, value)
    assert (parser().parse_args(["up"]).stack, parser().parse_args(["up"]).yes) == ("prod", True)
    promoted = parser().parse_args(["promote"])
    assert (promoted.origin, promoted.to) == ("dev", "staging")


def test_commands_on_a_stack_load_neither_the_program_nor_its_sdk() -> None:
    # They take two seconds, and the engine loads them once more.
    loaded = "import sys, cli.operations, embedded.lifecycle; print(*{name.split('.')[0] for name in sys.modules})"
    names = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"components", "settings", "pulumi", "kubernetes"} & set(names.stdout.split()) == set()


@pytest.fixture
def upstream() -> Path:
    """Upstream's source, which is found before a test changes PATH."""
    return tree()


def test_without_the_embedded_folder_stacks_on_other_clusters_work(
    upstream: Path, programs: Programs, tmp_path: Path
) -> None:
    environment = os.environ | {"MODELMESH_SERVING_SRC": str(upstream)}
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns(".*", "embedded", "tests", "benchmarks", "__pycache__", "venv")
    shutil.copytree(ROOT, clone, ignore=ignored)
    (clone / ".venv").symlink_to(Path(sys.prefix))
    (clone / "policies/venv").symlink_to(Path(sys.prefix))
    programs.add("pulumi", f"{INIT}\necho '    [urn=x]'")
    (tmp_path / "service.yaml").write_text(SERVICE)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [clone / ".venv/bin/python", "-m", "cli", *arguments], cwd=clone, capture_output=True, text=True,
            env=environment,
        )  # fmt: skip

    checked = run("check", str(tmp_path / "service.yaml"))
    assert "InferenceService x" in checked.stdout
    assert "Traceback" not in checked.stderr
    previewed = run("preview", "--stack", "prod")
    assert (previewed.returncode, previewed.stdout) == (0, "    [urn=x]\n"), previewed.stderr
