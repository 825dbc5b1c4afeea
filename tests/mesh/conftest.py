"""What solo mesh meets in a pod, as real as it gets here: etcd, and where a test asks for it MinIO, MLServer, adapter.

Compiles the messages before any test module is imported; the programs are the toolchain's (`MODELMESH_TOOLCHAIN_BIN`).
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.mesh.etcd import start_etcd
from tests.processes import Program
from tests.protos import compile_once

compile_once()

from tests.mesh.pod import Namespace  # noqa: E402  (needs the messages)


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One etcd for the whole run; each test has a prefix of its own in it."""
    with start_etcd(tmp_path_factory.mktemp("etcd")) as program:
        yield program


@pytest.fixture
async def namespace(etcd: Program, tmp_path: Path) -> AsyncIterator[Namespace]:
    """A namespace to start pods in; all of them are stopped at the end."""
    async with AsyncExitStack() as stack:
        yield Namespace(etcd.endpoint, tmp_path, stack)
