"""The cluster's tests mostly wait: with `-n 2 --dist loadgroup` one process has them, and another one all the rest."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        tier = item.path.relative_to(Path(__file__).parent).parts[0]
        item.add_marker(pytest.mark.xdist_group("cluster" if tier == "cluster" else "local"))
