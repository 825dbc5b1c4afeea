"""Which cluster a stack means is decided by its own file, and never by whatever context is current."""

import json
import os
import subprocess
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from cli import engine, operations, stack
from cli.errors import CommandError, EngineError
from cli.stack import Stack, is_embedded, open_stack
from tests.unit.cli.conftest import Programs
from tests.unit.cli.test_scratch import INIT


def test_a_stack_that_names_no_cluster_is_embedded(checkout: Path) -> None:
    assert is_embedded("dev", checkout)


def test_a_stack_that_names_a_cluster_gets_nothing_of_the_embedded_one(checkout: Path) -> None:
    opened = open_stack("prod", root=checkout)
    assert opened.embedded is None
    assert engine.CONFIG_FILE not in opened.environment


@pytest.fixture
def dev(programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that makes the stack, and a folder for the node's data."""
    programs.add("pulumi", INIT.replace("prod", "dev"))
    (tmp_path / "data/dev").mkdir(parents=True)
    monkeypatch.setenv("MODELMESH_DATA", str(tmp_path / "data"))


def hand_over(tmp_path: Path, mesh: dict[str, str]) -> None:
    """Write the facts about a node that has these images of ModelMesh."""
    handed = {
        "kubeconfig": "/node/k", "context": "node", "registry": "r", "builder": "b", "base_image": "python",
        "images": {"modelmesh": "solo", "minio": "node's"}, "mesh": mesh,
        "programs": "/bin", "variables": {"OWN": "/own"},
    }  # fmt: skip
    (tmp_path / "data/dev/handover.json").write_text(json.dumps(handed))


PROXY = {"rest-proxy": "proxy@d"}


@pytest.mark.parametrize(
    ("file", "mesh", "expected"),
    [
        ({}, PROXY, ("real@d", True)),
        ({"mesh": "real"}, {}, ("real@d", False)),
        ({"mesh": "solo"}, PROXY, ("solo", False)),
        ({"restProxy": False}, PROXY, ("real@d", False)),
        ({"images": {"modelmesh": "own"}}, PROXY, ("own", True)),
    ],
)
@pytest.mark.usefixtures("dev")
def test_a_node_with_modelmesh_itself_hands_it_to_stacks_unless_they_want_solo_mesh(
    checkout: Path, file: dict[str, object], mesh: dict[str, str], expected: tuple[str, bool]
) -> None:
    text = yaml.safe_dump({"config": {f"modelmesh:{key}": value for key, value in file.items()}})
    (checkout / "Pulumi.dev.yaml").write_text(text)
    hand_over(checkout.parent, {"modelmesh": "real@d", **mesh})
    config = yaml.safe_load(open_stack("dev", root=checkout).config_file.read_text())["config"]
    assert (config["modelmesh:images"]["modelmesh"], config["modelmesh:restProxy"]) == expected


@pytest.mark.usefixtures("dev")
def test_an_embedded_one_takes_nothing_from_the_environment_that_is_for_others(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  modelmesh:images: {modelmesh: own}\n")
    hand_over(tmp_path, mesh={})
    for variable in ("KUBECONFIG", "PULUMI_CONFIG_PASSPHRASE"):
        monkeypatch.setenv(variable, "another")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    opened = open_stack("dev", root=checkout)
    assert "10.213.0.2" in opened.environment["NO_PROXY"].split(",")
    assert "another" not in opened.environment.values()
    assert opened.environment["OWN"] == "/own"
    assert opened.environment[engine.CONFIG_FILE] == str(opened.config_file)
    assert yaml.safe_load(opened.config_file.read_text()) == {
        "encryptionsalt": "v1:throwaway",
        "config": {
            "modelmesh:kubeconfig": "/node/k",
            "modelmesh:context": "node",
            "modelmesh:registry": "r",
            "modelmesh:registryInsecure": True,
            "modelmesh:builder": "b",
            "modelmesh:buildArgs": {"BASE_IMAGE": "python"},
            "modelmesh:images": {"modelmesh": "own", "minio": "node's"},
            "modelmesh:restProxy": False,
        },
    }


def test_a_file_that_is_no_text_is_an_error(checkout: Path) -> None:
    (checkout / "Pulumi.prod.yaml").write_bytes(b"config: \xff")
    with pytest.raises(CommandError, match=r"Pulumi\.prod\.yaml 'utf-8' codec"):
        open_stack("prod", root=checkout)


def test_a_file_that_is_no_yaml_is_an_error_that_says_so(checkout: Path) -> None:
    (checkout / "Pulumi.prod.yaml").write_text("config: [")
    with pytest.raises(CommandError, match=r"Pulumi\.prod\.yaml is no YAML"):
        open_stack("prod", root=checkout)


def test_half_a_cluster_is_no_cluster(checkout: Path) -> None:
    (checkout / "Pulumi.staging.yaml").write_text("config:\n  modelmesh:context: staging\n")
    with pytest.raises(CommandError, match="sets modelmesh:context but no modelmesh:kubeconfig"):
        is_embedded("staging", checkout)


def test_an_unknown_stack_is_an_error_that_lists_the_known_ones(checkout: Path) -> None:
    with pytest.raises(CommandError, match=r"no file Pulumi\.stagging\.yaml: name one of dev, prod with STACK="):
        open_stack("stagging", root=checkout)


def test_attributes_that_a_killed_engine_began_to_write_are_removed(tmp_path: Path) -> None:
    stacks = tmp_path / ".pulumi" / "stacks" / "modelmesh"
    stacks.mkdir(parents=True)
    for name, text in {"begun.json.attrs": "", "written.json.attrs": "{}", "empty.json": ""}.items():
        (stacks / name).write_text(text)
    stack._clean_backend(tmp_path)
    assert {file.name for file in stacks.iterdir()} == {"written.json.attrs", "empty.json"}


@pytest.fixture
def engine_at_work() -> Iterator[int]:
    """The process id of a program that looks like the engine."""
    command = ["/bin/pulumi", "-c", "echo ready; read line"]
    with subprocess.Popen(
        command, executable="sh", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        yield running.pid


@pytest.fixture
def on_node(prod: Callable[[], Stack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack prod as if it ran on an embedded node, which is what the operations open."""
    embedded = replace(prod(), embedded=SimpleNamespace(data=tmp_path))  # type: ignore[arg-type]
    monkeypatch.setattr(operations, "open_stack", lambda *_: embedded)
    return embedded


def locked(data: Path, name: str, **pids: int) -> Path:
    """The folder of a stack's locks, with one of each process."""
    folder = data / ".pulumi" / "locks" / "organization" / "modelmesh" / name
    folder.mkdir(parents=True)
    for lock, pid in pids.items():
        (folder / f"{lock}.json").write_text(json.dumps({"pid": pid}))
    return folder


def test_a_killed_engine_s_lock_is_released_and_a_running_one_s_is_not(tmp_path: Path, engine_at_work: int) -> None:
    gone, zombie = (subprocess.Popen(["pulumi"], executable="true") for _ in range(2))
    gone.wait()
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet reaped
    locks = locked(tmp_path, "dev", gone=gone.pid, zombie=zombie.pid, another=os.getpid(), running=engine_at_work)
    stack._clean_backend(tmp_path)
    zombie.wait()
    assert [lock.stem for lock in locks.iterdir()] == ["running"]


@pytest.mark.parametrize("operation", [operations.up, operations.down])
def test_a_second_update_of_a_stack_is_told_to_wait(
    programs: Programs, on_node: Stack, engine_at_work: int, operation: Callable[[Namespace], None]
) -> None:
    """The engine itself would advise to cancel the first one."""
    programs.add("pulumi", "exit 1")
    assert on_node.embedded
    locked(on_node.embedded.data / "pulumi", "prod", running=engine_at_work)
    with pytest.raises(CommandError, match=rf"another update of stack prod is running \(process {engine_at_work}\)"):
        operation(Namespace(stack="prod", instance="dev", yes=False))
    assert not programs.calls("pulumi")


def test_an_update_of_another_stack_is_no_reason_to_wait(on_node: Stack, engine_at_work: int) -> None:
    assert on_node.embedded
    locked(on_node.embedded.data / "pulumi", "another", running=engine_at_work)
    on_node.require_idle()


def test_a_stack_that_the_backend_does_not_have_is_made_by_the_engine(
    programs: Programs, prod: Callable[[], Stack]
) -> None:
    programs.add("pulumi", "exit 6")
    with pytest.raises(EngineError, match="exit code 6: see above; `pulumi stack init prod` makes the stack"):
        prod().resources()
    programs.add("pulumi", "exit 1")
    with pytest.raises(EngineError, match=r"exit code 1: see above$"):
        prod().resources()
