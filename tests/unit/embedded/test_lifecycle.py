"""What `reset`, `down` and `up` do before they touch the machine."""

from dataclasses import replace
from pathlib import Path

import pytest

from embedded import debian, lifecycle, mesh, prerequisites
from embedded.errors import EmbeddedError
from embedded.instance import Instance
from project.marked_folder import MARKER, ForeignFolderError


@pytest.mark.parametrize("command", [lifecycle.reset, lifecycle.down])
def test_a_folder_that_no_node_made_is_left_alone(
    node: Instance, monkeypatch: pytest.MonkeyPatch, command: object
) -> None:
    monkeypatch.setattr(lifecycle, "_require_root", lambda _: None)
    monkeypatch.setattr(lifecycle, "_stop", lambda _: pytest.fail("the machine was changed"))
    (node.data / "thesis").touch()
    with pytest.raises(ForeignFolderError, match="this project did not make it"):
        command(node)  # type: ignore[operator]
    assert [entry.name for entry in node.data.iterdir()] == ["thesis"]


def test_the_folder_of_a_node_is_deleted(node: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_require_root", lambda _: None)
    monkeypatch.setattr(lifecycle, "_stop", lambda _: None)
    lifecycle.down(node)
    (node.data / "pki").mkdir()
    lifecycle.reset(node)
    assert not node.data.exists()


def test_a_folder_that_no_node_made_is_a_problem_before_anything_changes(node: Instance) -> None:
    (node.data / "thesis").touch()
    problems = prerequisites.problems(node, prerequisites.facts(node))
    assert any(str(node.data) in problem and "MODELMESH_DATA" in problem for problem in problems)


def test_the_first_up_of_a_machine_marks_the_folder_before_it_writes_there(
    node: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log of the installation of Debian packages is the first file in it; both runs fail there."""

    def install(_: object, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        raise EmbeddedError("no mirror")

    facts = replace(prerequisites.facts(node), missing_packages=("runc",))
    monkeypatch.setattr(lifecycle, "_check", lambda _: facts)
    monkeypatch.setattr(mesh, "find", lambda *_, **__: None)
    monkeypatch.setattr(debian, "install", install)
    node.data.rmdir()
    for _ in range(2):
        with pytest.raises(EmbeddedError, match="no mirror"):
            lifecycle.up(node)
    assert (node.data / MARKER).exists()
