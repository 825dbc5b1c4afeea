"""Which cluster a stack means is decided by its own file, and never by whatever context is current."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cli import stack
from cli.stack import CommandError, is_embedded, open_stack


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  modelmesh:podsPerRuntime: 1\n")
    (tmp_path / "Pulumi.prod.yaml").write_text("config:\n  modelmesh:kubeconfig: /k\n  modelmesh:context: prod\n")
    return tmp_path


def test_a_stack_that_names_no_cluster_is_embedded(checkout: Path) -> None:
    assert is_embedded("dev", checkout)


def test_a_stack_that_names_a_cluster_gets_nothing_of_the_embedded_one(checkout: Path) -> None:
    opened = open_stack("prod", root=checkout)
    assert opened.embedded is None
    assert "--config-file" not in opened.engine_command("up")


def test_half_a_cluster_is_no_cluster(checkout: Path) -> None:
    (checkout / "Pulumi.staging.yaml").write_text("config:\n  modelmesh:context: staging\n")
    with pytest.raises(CommandError, match="sets modelmesh:context but no modelmesh:kubeconfig"):
        is_embedded("staging", checkout)


def test_an_unknown_stack_is_an_error_that_lists_the_known_ones(checkout: Path) -> None:
    with pytest.raises(CommandError, match=r"Pulumi\.stagging\.yaml does not exist \(there are: dev, prod\)"):
        open_stack("stagging", root=checkout)


def test_a_killed_engine_s_lock_is_released_and_a_running_one_s_is_not(tmp_path: Path) -> None:
    locks = tmp_path / ".pulumi" / "locks" / "organization" / "modelmesh" / "dev"
    locks.mkdir(parents=True)
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name, pid in (("dead", ended.pid), ("alive", os.getpid())):
        (locks / f"{name}.json").write_text(json.dumps({"pid": pid}))
    stack._release_dead_locks(tmp_path)
    assert [lock.stem for lock in locks.iterdir()] == ["alive"]
