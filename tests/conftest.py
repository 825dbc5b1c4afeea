"""The cluster's tests mostly wait: with `-n 2 --dist loadgroup` one process has them, and another one all the rest."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        of_cluster = item.path.is_relative_to(Path(__file__).parent / "cluster")
        item.add_marker(pytest.mark.xdist_group("cluster" if of_cluster else "local"))
