"""Compile the protobuf messages of solo mesh into the package `solo_mesh_protos`.

    python compile_protos.py <modelmesh-serving source tree> <output folder>

Two files are upstream's and are read from its pinned source; the third is a subset of etcd's API. The image build and
the tests run this script, which needs grpcio-tools.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

protoc: Any = importlib.import_module("grpc_tools.protoc")  # has no types

UPSTREAM = (Path("proto/mmesh/model-mesh-external.proto"), Path("docs/model-runtime.proto"))


def compile_protos(upstream: Path, out: Path) -> None:
    """Write `<out>/solo_mesh_protos/*_pb2.py`; `<out>` belongs on PYTHONPATH."""
    package = out / "solo_mesh_protos"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    for source in (*(upstream / path for path in UPSTREAM), Path(__file__).parent / "etcd.proto"):
        if not source.is_file():
            raise FileNotFoundError(f"{source}: expected in the source tree of modelmesh-serving v0.12.0")
        if protoc.main(["protoc", f"-I{source.parent}", f"--python_out={package}", source.name]):
            raise RuntimeError(f"protoc refused {source}; its message is above")


if __name__ == "__main__":
    compile_protos(Path(sys.argv[1]), Path(sys.argv[2]))
