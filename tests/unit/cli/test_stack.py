"""Which cluster a stack means is decided by its own file, and never by whatever context is current."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from cli import engine, stack
from cli.errors import CommandError
from cli.stack import is_embedded, open_stack
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
    with pytest.raises(CommandError, match=r"Pulumi\.stagging\.yaml does not exist \(there are: dev, prod\)"):
        open_stack("stagging", root=checkout)


def test_attributes_that_a_killed_engine_began_to_write_are_removed(tmp_path: Path) -> None:
    stacks = tmp_path / ".pulumi" / "stacks" / "modelmesh"
    stacks.mkdir(parents=True)
    for name, text in {"begun.json.attrs": "", "written.json.attrs": "{}", "empty.json": ""}.items():
        (stacks / name).write_text(text)
    stack._clean_backend(tmp_path)
    assert {file.name for file in stacks.iterdir()} == {"written.json.attrs", "empty.json"}


def test_a_killed_engine_s_lock_is_released_and_a_running_one_s_is_not(tmp_path: Path) -> None:
    locks = tmp_path / ".pulumi" / "locks" / "organization" / "modelmesh" / "dev"
    locks.mkdir(parents=True)
    gone, zombie = (subprocess.Popen(["pulumi"], executable="true") for _ in range(2))
    gone.wait()
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet reaped
    command = ["/bin/pulumi", "-c", "echo ready; read line"]
    with subprocess.Popen(
        command, executable="sh", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        for name, pid in {
            "gone": gone.pid,
            "zombie": zombie.pid,
            "another": os.getpid(),
            "running": running.pid,
        }.items():
            (locks / f"{name}.json").write_text(json.dumps({"pid": pid}))
        stack._clean_backend(tmp_path)
    zombie.wait()
    assert [lock.stem for lock in locks.iterdir()] == ["running"]
