"""What holds for all tests of a run."""

import os

import pytest

from project import proxies

# A proxy cannot reach the servers of tests.
os.environ.update(proxies.exceptions(os.environ))
# Clients of gRPC handle the fork of a program that another test starts, and now and then abort it before it runs.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in this hook as well
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all tests on the cluster in one process, one after the other, and those of any other file together."""
    for item in items:
        group = "cluster" if "tests/cluster/" in item.nodeid else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
