"""What becomes of creations that an update was killed in the midst of; the engine is a script with such a state."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import interrupted
from cli.stack import Stack
from tests.unit.cli.conftest import Programs

CONFIG = json.dumps(
    {f"modelmesh:{key}": {"value": value} for key, value in {"kubeconfig": "~/k", "context": "c"}.items()}
)
URN = "urn:pulumi:prod::modelmesh::"


def begun(kind: str, name: str, *, made_up: bool = False, namespace: str = "models") -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if made_up:
        metadata["annotations"] = {"pulumi.com/autonamed": "true"}
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
              "config "*) printf '%s' '{CONFIG}' ;;
            esac""",
        )

    def state(self) -> dict[str, Any]:
        deployment: dict[str, Any] = json.loads(self._file.read_text())["deployment"]
        return deployment


def test_nothing_is_written_where_nothing_was_begun(programs: Programs, prod: Callable[[], Stack]) -> None:
    Engine(programs)
    interrupted.make_again(prod())
    interrupted.delete_too(prod())
    assert not any("import" in call for call in programs.calls("pulumi"))
    assert not programs.calls("kubectl")


def test_a_stack_that_was_never_up_has_begun_nothing(programs: Programs, prod: Callable[[], Stack]) -> None:
    programs.add("pulumi", "echo '{\"deployment\": null}'")
    interrupted.make_again(prod())
    interrupted.delete_too(prod())


def test_what_was_begun_is_told_and_forgotten_before_an_update(
    programs: Programs, prod: Callable[[], Stack], capfd: pytest.CaptureFixture[str]
) -> None:
    engine = Engine(programs, begun("core/v1:ConfigMap", "table"), resources=({"urn": "urn:other"},))
    interrupted.make_again(prod())
    assert engine.state() == {"resources": [{"urn": "urn:other"}], "pending_operations": []}
    assert f"{URN}core/v1:ConfigMap::table" in capfd.readouterr().err
    assert not programs.calls("kubectl"), "applying it again is enough"


def test_an_object_whose_name_was_made_up_is_deleted_before_an_update(
    programs: Programs, prod: Callable[[], Stack]
) -> None:
    Engine(
        programs,
        begun("batch/v1:Job", "seen-1", made_up=True),
        begun("rbac.authorization.k8s.io/v1:ClusterRole", "role-1", made_up=True, namespace=""),
    )
    interrupted.make_again(prod())
    job, role = programs.calls("kubectl")
    assert "--context c" in job
    assert job.endswith("delete Job seen-1 --namespace models --ignore-not-found")
    assert role.endswith("delete ClusterRole role-1 --ignore-not-found")


def test_what_was_begun_is_known_to_a_destroy(programs: Programs, prod: Callable[[], Stack]) -> None:
    job, role = begun("batch/v1:Job", "seen"), begun("x/v1:ClusterRole", "role", namespace="")
    image = {"urn": f"{URN}docker-build:index:Image::image", "type": "docker-build:index:Image", "inputs": {}}
    there = {"urn": job["urn"], "id": "models/seen-0"}
    engine = Engine(programs, job, role, image, resources=(there,))
    interrupted.delete_too(prod())
    assert engine.state() == {
        "pending_operations": [],
        "resources": [
            there,
            job | {"id": "models/seen", "outputs": job["inputs"], "delete": True},
            role | {"id": "role", "outputs": role["inputs"]},
        ],
    }


def test_the_state_that_is_written_is_not_left_lying(
    programs: Programs, prod: Callable[[], Stack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    Engine(programs, begun("core/v1:ConfigMap", "table"))
    interrupted.make_again(prod())
    assert not list((tmp_path / "tmp").iterdir())
