"""What solo mesh meets in a pod, as real as it gets here: etcd, and where a test asks for it MinIO, MLServer, adapter.

Compiles the messages before any test module is imported; sources and programs are the toolchain's
(`MODELMESH_SERVING_SRC`, `MODELMESH_TOOLCHAIN_BIN`).
"""

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from embedded.solo_mesh.compile_protos import compile_protos
from tests.mesh.processes import Program, start_etcd

_BUILT = Path.home() / ".cache/modelmesh-stack/toolchain/current/modelmesh-serving-source"
_PROTOS = tempfile.TemporaryDirectory(prefix="solo-mesh-protos-")
os.environ["SOLO_MESH_PROTOS"] = _PROTOS.name
sys.path.insert(0, _PROTOS.name)
compile_protos(Path(os.environ.get("MODELMESH_SERVING_SRC") or _BUILT), Path(_PROTOS.name))

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
