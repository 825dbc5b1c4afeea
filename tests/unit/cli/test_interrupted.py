"""What becomes of creations that an update was killed in the midst of; the engine is a script with such a state."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from cli import interrupted
from cli.errors import CommandError
from cli.stack import Stack
from tests.unit.cli.conftest import Programs

URN = "urn:pulumi:prod::modelmesh::"
STACK = {"urn": f"{URN}pulumi:pulumi:Stack::modelmesh-prod", "type": "pulumi:pulumi:Stack"}


def begun(kind: str, name: str, *, namespace: str = "models") -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    return {"urn": f"{URN}{kind}::{name}", "type": f"kubernetes:{kind}", "inputs": {"metadata": metadata}}


class Engine:
    """A stand-in that has the state of a stack and takes another one."""

    def __init__(
        self,
        programs: Programs,
        *pending: dict[str, Any],
        resources: tuple[dict[str, Any], ...] = (),
        locked: bool = False,
        meanwhile: dict[str, Any] | None = None,
        planned: tuple[dict[str, Any], ...] | None = None,
    ) -> None:
        self._file = programs.folder / "state.json"
        operations = [{"type": "creating", "resource": each} for each in pending]
        state = {"deployment": {"resources": list(resources), "pending_operations": operations}}
        self._file.write_text(json.dumps(state))
        after = programs.folder / "after.json"
        after.write_text(json.dumps({"deployment": meanwhile} if meanwhile else state))
        preview = programs.folder / "preview.json"
        preview.write_text(json.dumps({"steps": planned} if planned else {}))
        programs.add(
            "pulumi",
            f"""case "$1 $2" in
              "stack export") cat {self._file} ;;
              "stack import") cp "$4" {self._file} ;;
              "preview --json") case "$*" in *" --show-sames "*) ;; *) exit 1 ;; esac
                cp {after} {self._file}; cat {preview}; exit {255 if planned is None else 0} ;;
              "refresh "*) cp {after} {self._file}; exit {255 if locked else 0} ;;
            esac""",
        )

    def state(self) -> dict[str, Any]:
        deployment: dict[str, Any] = json.loads(self._file.read_text())["deployment"]
        return deployment


def test_nothing_is_written_where_nothing_was_begun(programs: Programs, prod: Callable[[], Stack]) -> None:
    Engine(programs)
    assert interrupted.adopt(prod()) == []
    assert [call.split(" --")[0] for call in programs.calls("pulumi")] == ["stack export"]


def test_a_stack_that_was_never_up_has_begun_nothing(programs: Programs, prod: Callable[[], Stack]) -> None:
    programs.add("pulumi", "echo '{\"deployment\": null}'")
    assert interrupted.adopt(prod()) == []


def test_what_is_in_the_state_by_now_is_not_taken_twice(programs: Programs, prod: Callable[[], Stack]) -> None:
    table = begun("core/v1:ConfigMap", "table")
    there = {"urn": table["urn"], "type": table["type"], "id": "models/table"}
    engine = Engine(programs, table, resources=(there,))
    assert interrupted.adopt(prod()) == [there]
    assert engine.state() == {"resources": [there], "pending_operations": []}


def test_an_object_that_was_begun_becomes_a_resource(
    programs: Programs, prod: Callable[[], Stack], capfd: pytest.CaptureFixture[str]
) -> None:
    gone = {"dependencies": ["urn:gone"], "propertyDependencies": {"data": ["urn:gone"]}, "parent": "urn:gone"}
    secret = begun("core/v1:Secret", "password") | gone
    role = begun("rbac.authorization.k8s.io/v1:ClusterRole", "role", namespace="") | {"parent": STACK["urn"]}
    engine = Engine(programs, secret, role, resources=(STACK,))
    interrupted.adopt(prod())
    _, first, second = engine.state()["resources"]
    assert first == begun("core/v1:Secret", "password") | {"id": "models/password", "outputs": secret["inputs"]}
    assert second == role | {"id": "role", "outputs": role["inputs"]}
    assert engine.state()["pending_operations"] == []
    assert "core/v1:Secret models/password" in capfd.readouterr().err


def test_an_object_that_was_begun_still_depends_on_what_is_there(programs: Programs, prod: Callable[[], Stack]) -> None:
    """Otherwise a claim would be deleted before the StatefulSet whose pod uses it."""
    claim = begun("core/v1:PersistentVolumeClaim", "data") | {"id": "models/data"}
    properties = {"spec": [claim["urn"], "urn:gone"], "metadata": ["urn:gone"]}
    references = {"dependencies": ["urn:gone", claim["urn"]], "propertyDependencies": properties}
    references |= {"deletedWith": claim["urn"], "replaceWith": ["urn:gone"]}
    engine = Engine(programs, begun("apps/v1:StatefulSet", "minio") | references, resources=(claim,))
    interrupted.adopt(prod())
    adopted = engine.state()["resources"][-1]
    assert {key: adopted.get(key) for key in references} == {
        "dependencies": [claim["urn"]],
        "propertyDependencies": {"spec": [claim["urn"]]},
        "deletedWith": claim["urn"],
        "replaceWith": None,
    }


def test_an_object_that_was_to_replace_another_is_to_be_deleted(programs: Programs, prod: Callable[[], Stack]) -> None:
    job = begun("batch/v1:Job", "seen-2")
    former = {"urn": job["urn"], "type": job["type"], "id": "models/seen-1"}
    engine = Engine(programs, job, resources=(former,))
    interrupted.adopt(prod())
    replacement = job | {"id": "models/seen-2", "outputs": job["inputs"], "delete": True}
    assert engine.state()["resources"] == [former, replacement]


def test_what_is_no_object_of_kubernetes_is_forgotten(programs: Programs, prod: Callable[[], Stack]) -> None:
    image = {"urn": f"{URN}docker-build:index:Image::image", "type": "docker-build:index:Image", "inputs": {}}
    engine = Engine(programs, image)
    assert interrupted.adopt(prod()) == []
    assert engine.state() == {"resources": [], "pending_operations": []}


def test_nothing_is_written_while_another_update_of_the_stack_is_running(
    programs: Programs, prod: Callable[[], Stack]
) -> None:
    engine = Engine(programs, begun("core/v1:ConfigMap", "table"), resources=(STACK,), locked=True)
    with pytest.raises(CommandError, match="pulumi refresh failed"):
        interrupted.adopt(prod())
    assert engine.state()["pending_operations"]
    assert not any("import" in call for call in programs.calls("pulumi"))


def test_what_another_update_has_finished_since_is_kept(programs: Programs, prod: Callable[[], Stack]) -> None:
    """It ended between the first look and the lock: its own state counts, not the one that was seen before."""
    table = begun("core/v1:ConfigMap", "table")
    finished = {"resources": [STACK, table | {"id": "models/table"}], "pending_operations": []}
    engine = Engine(programs, table, resources=(STACK,), meanwhile=finished)
    interrupted.adopt(prod())
    assert engine.state() == finished


def doomed(name: str) -> dict[str, Any]:
    """A Job that an update has replaced and not deleted."""
    return begun("batch/v1:Job", name) | {"id": f"models/{name}", "delete": True}


def step(op: str, name: str) -> dict[str, Any]:
    return {"op": op, "newState": begun("batch/v1:Job", name)}


@pytest.mark.parametrize("op", ["create", "create-replacement", "same"])
def test_an_object_that_the_files_name_again_is_not_deleted(
    programs: Programs, prod: Callable[[], Stack], capfd: pytest.CaptureFixture[str], op: str
) -> None:
    engine = Engine(programs, resources=(STACK, doomed("first"), doomed("second")), planned=(step(op, "first"),))
    interrupted.spare(prod(), prod().resources())
    assert engine.state()["resources"] == [STACK, doomed("second")]
    assert "did not delete kubernetes:batch/v1:Job models/first, which is in its files again" in capfd.readouterr().err


@pytest.mark.parametrize("planned", [(), (step("delete", "first"),), (step("create", "third"),)])
def test_other_objects_are_deleted_by_the_update(
    programs: Programs, prod: Callable[[], Stack], planned: tuple[dict[str, Any], ...]
) -> None:
    engine = Engine(programs, resources=(doomed("first"),), planned=planned)
    interrupted.spare(prod(), prod().resources())
    assert engine.state()["resources"] == [doomed("first")]


def test_a_stack_without_such_objects_is_neither_read_again_nor_previewed(
    programs: Programs, prod: Callable[[], Stack]
) -> None:
    Engine(programs, resources=(STACK,))
    interrupted.spare(prod(), [STACK])
    assert programs.calls("pulumi") == []


def test_a_state_that_another_update_has_written_meanwhile_is_kept(
    programs: Programs, prod: Callable[[], Stack]
) -> None:
    finished = {"resources": [STACK], "manifest": {"time": "later"}}
    engine = Engine(programs, resources=(doomed("first"),), planned=(step("create", "first"),), meanwhile=finished)
    with pytest.raises(CommandError, match="another update of prod has written its state meanwhile: run the command"):
        interrupted.spare(prod(), prod().resources())
    assert engine.state() == finished


def test_a_preview_that_fails_at_first_is_repeated(
    programs: Programs, prod: Callable[[], Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mend(_: float) -> None:
        Engine(programs, resources=(doomed("first"),), planned=(step("create", "first"),))

    Engine(programs, resources=(doomed("first"),), planned=None)
    monkeypatch.setattr(time, "sleep", mend)
    interrupted.spare(prod(), prod().resources())
    assert prod().resources() == []


def test_nothing_is_deleted_that_no_preview_tells_from_what_the_files_name(
    programs: Programs, prod: Callable[[], Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupted, "_PAUSE_SECONDS", 0)
    engine = Engine(programs, resources=(doomed("first"), doomed("second")), planned=None)
    with pytest.raises(CommandError, match=r"has left objects .*so nothing was changed: make preview STACK=prod"):
        interrupted.spare(prod(), prod().resources())
    assert engine.state()["resources"] == [doomed("first"), doomed("second")]
