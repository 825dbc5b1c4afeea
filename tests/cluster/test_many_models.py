"""Hundreds of models in one table on a real cluster."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.deployment import KINDS, Deployment

MANY = 300


class Table:
    """The stack with so many models of one file."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self._deployment, self._folder = deployment, folder
        (folder / "model").mkdir()
        (folder / "model/vader_lexicon.txt").write_text("good\t1.9\nbad\t-2.5\nlove\t3.2\n")

    def config(self, count: int) -> dict[str, Any]:
        """A stack's, to be laid over the tracked one."""
        table = self._folder / "models.csv"
        table.write_text("\n".join(["name", *self.expected(count)]) + "\n")
        return {"modelSource": str(self._folder / "model"), "modelTable": str(table) if count else ""}

    def up(self, count: int, *flags: str) -> str:
        """Whole. What it printed."""
        update = self._deployment.run("up", "--yes", "--skip-preview", *flags, config=self.config(count))
        assert update.succeeded, update.output
        return update.output

    def services(self) -> dict[str, str]:
        """The state of every model of the table."""
        found = self._deployment.get("inferenceservices")["items"]
        return {
            each["metadata"]["name"]: each["status"]["modelStatus"]["states"]["activeModelState"]
            for each in found
            if each["metadata"]["name"].startswith("model-")
        }

    @staticmethod
    def expected(count: int) -> dict[str, str]:
        return {f"model-{number:04}": "Loaded" for number in range(count)}


@pytest.fixture(scope="module")
def table(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """The stack is up, with the small model and no more."""
    made = Table(deployment, tmp_path_factory.mktemp("table"))
    made.up(0)
    yield made
    deployment.run("destroy", "--yes", "--skip-preview")


def test_the_table_is_served_and_shown_in_one_line(table: Table) -> None:
    printed = table.up(MANY)
    assert table.services() == table.expected(MANY)
    assert "model-0123" not in printed
    assert "models" in printed


def test_a_second_up_changes_nothing(table: Table) -> None:
    table.up(MANY, "--expect-no-changes")


def test_what_somebody_deletes_by_hand_is_missed_and_made_again(table: Table, deployment: Deployment) -> None:
    command = deployment.stack.kubectl("delete", "isvc", "model-0007", "--namespace", "modelmesh-serving")
    deployment.stack.run(command, quiet=True)
    config = table.config(MANY)
    update = deployment.run("up", "--yes", "--skip-preview", config=config)
    assert not update.succeeded
    assert "somebody has changed or deleted model-0007" in update.output
    urn = next(urn for urn in deployment.resources() if "batch/v1:Job::more-models" in urn)
    assert f"--replace '{urn}'" in update.output
    update = deployment.run("up", "--yes", "--skip-preview", "--replace", urn, config=config)
    assert update.succeeded, update.output
    assert table.services() == table.expected(MANY)


def test_models_leave_with_their_lines_and_all_with_the_table(table: Table, deployment: Deployment) -> None:
    table.up(10)
    assert table.services() == table.expected(10)
    table.up(0)
    assert table.services() == {}
    assert not any("more-models" in name for name in deployment.names(KINDS))
