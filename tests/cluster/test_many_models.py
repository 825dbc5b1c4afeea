"""Hundreds of models in one table on a real cluster; the engine is killed in the midst of updating them."""

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.interrupted import adopt
from tests.cluster.deployment import KINDS, Deployment

# `make soak` sets MOMENTS, and then this is five times as many kills, of twice as many models.
MANY, MOVED, KILLS = (300, 50, 20) if os.environ.get("MOMENTS") else (150, 25, 4)
SEED = 7
KILLS_IN_A_ROW = 4
"""Killed updates before one that may end, so that later ones meet what an earlier one has left."""
COUNTED = ("resourceVersion", "managedFields", "generation", "creationTimestamp", "uid")
"""Fields that the API server sets, or that are new with each object that is created again."""
CONTROLLERS = ("controller-uid", "batch.kubernetes.io/controller-uid", "__fieldManager")
"""Labels of a Job, and the field manager of the provider, that are new with each object that is created again."""
ENGINES = ("ciphertext", "created", "modified")
"""Fields of the state that hold a time, or a secret that is encrypted anew at each write."""
VOLATILE = {*COUNTED, *CONTROLLERS, *ENGINES, "status"}


class Table:
    """The stack with so many models of one file; of version 1, MOVED of them have other names than of version 0."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self._deployment, self._folder = deployment, folder
        (folder / "model").mkdir()
        (folder / "model/vader_lexicon.txt").write_text("good\t1.9\nbad\t-2.5\nlove\t3.2\n")

    def config(self, count: int, version: int) -> dict[str, Any]:
        """A stack's, to be laid over the tracked one."""
        table = self._folder / "models.csv"
        table.write_text("\n".join(["name", *self.expected(count, version)]) + "\n")
        return {"modelSource": str(self._folder / "model"), "modelTable": str(table) if count else ""}

    def up(self, count: int, version: int = 0, *flags: str) -> str:
        """Whole. What it printed."""
        adopt(self._deployment.stack)  # as `make up` does
        update = self._deployment.run(
            "up", "--yes", "--skip-preview", "--refresh", *flags, config=self.config(count, version)
        )
        assert update.succeeded, update.output
        return update.output

    def killed(self, count: int, version: int, after: float) -> None:
        """An update that is killed after so many seconds, the engine with all that it has started."""
        self._deployment.kill(after, "up", config=self.config(count, version))

    def services(self) -> dict[str, str]:
        """The state of every model of the table."""
        found = self._deployment.get("inferenceservices")["items"]
        return {
            each["metadata"]["name"]: each["status"]["modelStatus"]["states"]["activeModelState"]
            for each in found
            if each["metadata"]["name"].startswith("model-")
        }

    @staticmethod
    def expected(count: int, version: int) -> dict[str, str]:
        first = MOVED * version
        return {f"model-{number:04}": "Loaded" for number in range(first, first + count)}

    def state(self) -> dict[str, Any]:
        """All that the engine knows, but for what is volatile; no operation is left half done."""
        exported = json.loads(self._deployment.stack.pulumi("stack", "export", quiet=True).stdout)["deployment"]
        assert not exported.get("pending_operations")
        return {resource["urn"]: _steady(resource) for resource in exported["resources"]}


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(entry) for key, entry in value.items() if key not in VOLATILE}
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return sorted(value)  # what a resource depends on has no order
    return [_steady(entry) for entry in value] if isinstance(value, list) else value


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where they differ, and how."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differences(one.get(key), other.get(key), f"{path}/{key}")
    elif one != other:
        yield f"{path}: {str(one)[:200]} != {str(other)[:200]}"


@pytest.fixture(scope="module")
def table(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """The stack is up, with the small model and no more."""
    made = Table(deployment, tmp_path_factory.mktemp("table"))
    made.up(0)
    yield made
    deployment.run("destroy", "--yes", "--skip-preview")


def test_the_table_is_served_and_shown_in_one_line(table: Table) -> None:
    printed = table.up(MANY)
    assert table.services() == table.expected(MANY, 0)
    assert "model-0123" not in printed
    assert "models" in printed


def test_a_second_up_changes_nothing(table: Table) -> None:
    table.up(MANY, 0, "--expect-no-changes")


def test_killed_at_any_moment_the_next_up_converges_to_the_state_of_one_that_was_not(table: Table) -> None:
    started = time.monotonic()
    table.up(MANY, 1)
    longest = time.monotonic() - started
    states = {1: table.state()}
    table.up(MANY, 0)
    states[0] = table.state()
    moments, version = random.Random(SEED), 0  # noqa: S311  nobody is to be kept from guessing
    for kill in range(1, KILLS + 1):
        version = 1 - version
        after = moments.uniform(0, longest)
        print(f"kill {kill} of {KILLS}: after {after:.1f} s of {longest:.1f}")
        table.killed(MANY, version, after)
        if kill % KILLS_IN_A_ROW:
            continue
        table.up(MANY, version)
        assert table.services() == table.expected(MANY, version)
        assert list(differences(states[version], table.state())) == []
        table.up(MANY, version, "--expect-no-changes")


def test_what_somebody_deletes_by_hand_is_missed_and_made_again(table: Table, deployment: Deployment) -> None:
    command = deployment.stack.kubectl("delete", "isvc", "model-0007", "--namespace", "modelmesh-serving")
    deployment.stack.run(command, quiet=True)
    config = table.config(MANY, 0)
    update = deployment.run("up", "--yes", "--skip-preview", config=config)
    assert not update.succeeded
    assert "Changed or deleted after they were applied: model-0007" in update.output
    urn = next(urn for urn in deployment.resources() if "batch/v1:Job::more-models" in urn)
    assert f"--replace '{urn}'" in update.output
    update = deployment.run("up", "--yes", "--skip-preview", "--replace", urn, config=config)
    assert update.succeeded, update.output
    assert table.services() == table.expected(MANY, 0)


def test_models_leave_with_their_lines_and_all_with_the_table(table: Table, deployment: Deployment) -> None:
    table.up(10)
    assert table.services() == table.expected(10, 0)
    table.up(0)
    assert table.services() == {}
    assert not any("more-models" in name for name in deployment.names(KINDS))
