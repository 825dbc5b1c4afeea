"""What becomes of creations that an update was killed in the midst of; the engine is a script with such a state."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli import interrupted
from cli.errors import CommandError
from cli.stack import Stack
from tests.unit.cli.conftest import Programs

URN = "urn:pulumi:prod::modelmesh::"


def begun(kind: str, name: str, *, namespace: str = "models") -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    return {"urn": f"{URN}{kind}::{name}", "type": f"kubernetes:{kind}", "inputs": {"metadata": metadata}}


class Engine:
    """A stand-in that has the state of a stack and takes another one."""

    def __init__(
        self, programs: Programs, *pending: dict[str, Any], resources: tuple[dict[str, Any], ...] = ()
    ) -> None:
        self._file = programs.folder / "state.json"
        operations = [{"type": "creating", "resource": each} for each in pending]
        state = {"deployment": {"resources": list(resources), "pending_operations": operations}}
        self._file.write_text(json.dumps(state))
        programs.add("kubectl", "")
        programs.add(
            "pulumi",
            f"""case "$1 $2" in
              "stack export") cat {self._file} ;;
              "stack import") cp "$4" {self._file} ;;
            esac""",
        )

    def state(self) -> dict[str, Any]:
        deployment: dict[str, Any] = json.loads(self._file.read_text())["deployment"]
        return deployment


def test_nothing_is_written_where_nothing_was_begun(programs: Programs, prod: Callable[[], Stack]) -> None:
    Engine(programs)
    interrupted.tidy(prod())
    assert not any("import" in call for call in programs.calls("pulumi"))
    assert not programs.calls("kubectl")


def test_a_stack_that_was_never_up_has_begun_nothing(programs: Programs, prod: Callable[[], Stack]) -> None:
    programs.add("pulumi", "echo '{\"deployment\": null}'")
    interrupted.tidy(prod())


def test_what_is_in_the_state_by_now_stays(programs: Programs, prod: Callable[[], Stack]) -> None:
    table = begun("core/v1:ConfigMap", "table")
    there = {"urn": table["urn"], "type": table["type"], "id": "models/table"}
    engine = Engine(programs, table, resources=(there,))
    interrupted.tidy(prod())
    assert engine.state() == {"resources": [there], "pending_operations": []}
    assert not programs.calls("kubectl")


def test_what_is_not_is_told_and_deleted(
    programs: Programs, prod: Callable[[], Stack], capfd: pytest.CaptureFixture[str]
) -> None:
    job, role = begun("batch/v1:Job", "seen-1"), begun("x/v1:ClusterRole", "role-1", namespace="")
    another = {"urn": job["urn"], "type": job["type"], "id": "models/seen-2"}
    engine = Engine(programs, job, role, resources=(another,))
    interrupted.tidy(prod())
    first, second = programs.calls("kubectl")
    assert "--context prod" in first
    assert first.endswith("delete Job seen-1 --namespace models --ignore-not-found")
    assert second.endswith("delete ClusterRole role-1 --ignore-not-found")
    assert "Job models/seen-1" in capfd.readouterr().err
    assert engine.state() == {"resources": [another], "pending_operations": []}


def test_what_is_kept_or_somebody_elses_or_no_object_is_left_alone(
    programs: Programs, prod: Callable[[], Stack]
) -> None:
    kept = begun("x/v1:CustomResourceDefinition", "kept", namespace="") | {"retainOnDelete": True}
    image = {"urn": f"{URN}docker-build:index:Image::image", "type": "docker-build:index:Image", "inputs": {}}
    Engine(programs, kept, begun("core/v1:NamespacePatch", "theirs", namespace=""), image)
    interrupted.tidy(prod())
    assert not programs.calls("kubectl")


def test_the_notes_stay_where_the_cluster_does_not_answer(programs: Programs, prod: Callable[[], Stack]) -> None:
    engine = Engine(programs, begun("core/v1:ConfigMap", "table"))
    programs.add("kubectl", "exit 1")
    with pytest.raises(CommandError):
        interrupted.tidy(prod())
    assert engine.state()["pending_operations"]
