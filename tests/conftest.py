"""What holds for all tests of a run."""

import os

import pytest
from xdist.scheduler import LoadFileScheduling

# Clients of gRPC handle the fork of a program that another test starts, and now and then abort it before it runs.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


class _OneCluster(LoadFileScheduling):  # type: ignore[misc]  # has no types
    """Runs the tests of each file in one process, and those of all files on the cluster."""

    def _split_scope(self, nodeid: str) -> str:
        return "cluster" if nodeid.startswith("tests/cluster/") else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _OneCluster:
    """Distribute the tests with `--numprocesses`."""
    return _OneCluster(config, log)
