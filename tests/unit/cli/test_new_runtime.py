"""A new runtime is the skeleton under its own name, with the example's requirements, whole or not at all."""

import json
import re
import tomllib
from argparse import Namespace
from pathlib import Path

import pytest

import components as mm
from cli import new_runtime
from cli.errors import CommandError
from cli.new_runtime import make, without
from project import ROOT

EXAMPLE = ROOT / "runtimes/sentiment"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One whose example and skeleton are this one's."""
    for folder in ("runtimes/sentiment", "skeleton"):
        (tmp_path / folder).parent.mkdir(exist_ok=True)
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.setattr(new_runtime, "ROOT", tmp_path)
    return tmp_path


def test_it_is_called_by_its_name_wherever_it_is_named(checkout: Path) -> None:
    made = make("keyword-counter", checkout)
    assert made == checkout / "runtimes/keyword-counter"
    assert "class KeywordCounterModel(CustomMLModel)" in (made / "keyword_counter_model.py").read_text()
    assert json.loads((made / "model-settings.json").read_text()) == {
        "name": "keyword-counter",
        "implementation": "keyword_counter_model.KeywordCounterModel",
        "parameters": {"uri": "./model"},
    }
    assert tomllib.loads((made / "pyproject.toml").read_text())["project"]["name"] == "keyword-counter-runtime"
    for file in (file for file in made.rglob("*") if file.is_file()):
        assert "skeleton" not in f"{file.relative_to(made)} {file.read_text()}".lower(), file


def test_it_has_no_code_but_its_own(checkout: Path) -> None:
    made = make("mine", checkout)
    assert sorted(path.relative_to(made).as_posix() for path in made.rglob("*.py")) == [
        "mine_model.py",
        "tests/test_mine_model.py",
    ]


def test_it_needs_what_the_example_needs_but_for_the_examples_own_package(checkout: Path) -> None:
    theirs, ours = (
        tomllib.loads((folder / "pyproject.toml").read_text()) for folder in (EXAMPLE, make("mine", checkout))
    )
    example, mine = (set(each["project"]["dependencies"]) for each in (theirs, ours))
    assert {re.split("[<=>]", each)[0] for each in example - mine} == {"vaderSentiment"}
    assert mine < example
    assert ours["project"]["requires-python"] == theirs["project"]["requires-python"]
    assert "vader" not in (checkout / "runtimes/mine/pyproject.toml").read_text().lower()


def test_its_lock_file_is_the_examples_without_what_only_that_package_needs(checkout: Path) -> None:
    theirs, ours = ((folder / "requirements.txt").read_text() for folder in (EXAMPLE, make("mine", checkout)))
    pinned = re.compile(r"^(\S+)==(\S+) ", re.MULTILINE)
    gone = dict(pinned.findall(theirs)).keys() - dict(pinned.findall(ours)).keys()
    assert {"vadersentiment", "requests"} <= gone
    assert "mlserver" not in gone
    assert set(pinned.findall(ours)) < set(pinned.findall(theirs))
    assert not re.search("|".join(rf"\b{name}\b(?!-)" for name in gone), ours), "a reason names what is gone"
    assert "mine-runtime (pyproject.toml:dev)" in ours


def test_what_something_else_needs_too_stays() -> None:
    lock = (
        "# a note\n"
        "a==1 \\\n    --hash=sha256:0\n    # via x (pyproject.toml)\n"
        "b==1 \\\n    --hash=sha256:0\n    # via a\n"
        "c==1 \\\n    --hash=sha256:0\n    # via\n    #   b\n    #   d\n"
        "d==1 \\\n    --hash=sha256:0\n    # via x (pyproject.toml)\n"
    )
    assert without(lock, "a") == (
        "# a note\n"
        "c==1 \\\n    --hash=sha256:0\n    # via\n    #   d\n"
        "d==1 \\\n    --hash=sha256:0\n    # via x (pyproject.toml)\n"
    )


@pytest.mark.parametrize(
    "name", ["", "Mine", "my_model", "-mine", "mine-", "a--b", "1st", "a/b", "..", "a b", "a" * 41]
)
def test_a_name_in_another_form_is_refused_with_an_example(checkout: Path, name: str) -> None:
    with pytest.raises(
        CommandError, match=r"expected up to 40 lower-case letters.*make new-runtime NAME=keyword-counter"
    ):
        make(name, checkout)
    assert list((checkout / "runtimes").iterdir()) == [checkout / "runtimes/sentiment"]


def test_a_folder_that_exists_is_left_alone(checkout: Path) -> None:
    (checkout / "runtimes/mine").mkdir(parents=True)
    with pytest.raises(CommandError, match="runtimes/mine exists, and nothing was changed"):
        make("mine", checkout)
    assert list((checkout / "runtimes/mine").iterdir()) == []


def test_one_that_cannot_be_finished_leaves_nothing(checkout: Path) -> None:
    (checkout / "skeleton").unlink()
    (checkout / "skeleton").mkdir()
    (checkout / "skeleton/odd").write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        make("mine", checkout)
    assert list((checkout / "runtimes").iterdir()) == [checkout / "runtimes/sentiment"]


def test_what_to_do_next_is_told(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checkout
    new_runtime.new_runtime(Namespace(name="mine"))
    printed = capsys.readouterr().out
    for command in (
        "make runtime RUNTIME=runtimes/mine",
        "make test-runtime RUNTIME=runtimes/mine",
        "make lock RUNTIME=runtimes/mine",
        "modelmesh:runtimeSource: runtimes/mine",
    ):
        assert command in printed


@pytest.mark.parametrize("name", ["mine", "xgboost", "sklearn", "lightgbm", "mllib"])
def test_the_printed_format_is_one_that_a_custom_runtime_can_have(
    checkout: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert checkout
    new_runtime.new_runtime(Namespace(name=name))
    (model_format,) = re.findall(r"^  modelmesh:modelFormat: (.+)$", capsys.readouterr().out, re.MULTILINE)
    mm.mlserver_runtime(image="registry.example/server:1", formats=[mm.ModelFormat(name=model_format)])


def test_the_keys_that_deploy_it_are_keys_of_the_stack(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checkout
    new_runtime.new_runtime(Namespace(name="mine"))
    keys = set(re.findall(r"^  modelmesh:(\w+): ", capsys.readouterr().out, re.MULTILINE))
    schema = (ROOT / "Pulumi.yaml").read_text()
    assert len(keys) == 6
    assert all(f"\n  {key}:\n" in schema for key in keys)
