"""Upstream's gRPC messages, compiled once for a run of the tests, before anything imports them.

The .proto files are the toolchain's (`MODELMESH_SERVING_SRC`); nothing of them is kept in this repository.
"""

import functools
import os
import sys
import tempfile
from pathlib import Path

from embedded.solo_mesh.compile_protos import compile_protos

BUILT = Path.home() / ".cache/modelmesh-stack/toolchain/current/modelmesh-serving-source"
_FOLDER = tempfile.TemporaryDirectory(prefix="solo-mesh-protos-")


@functools.cache
def compile_once() -> None:
    """Put the compiled messages on the search path of this process, and of those that it starts."""
    os.environ["SOLO_MESH_PROTOS"] = _FOLDER.name
    sys.path.insert(0, _FOLDER.name)
    compile_protos(Path(os.environ.get("MODELMESH_SERVING_SRC") or BUILT), Path(_FOLDER.name))
