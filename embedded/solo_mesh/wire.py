"""Compiled protobuf messages, which exist only after `compile_protos` has run.

They are untyped here (`Any`); records and limits, which outlive a call, are typed.
"""

import importlib
from typing import Any

mmesh: Any = importlib.import_module("solo_mesh_protos.model_mesh_external_pb2")
runtime: Any = importlib.import_module("solo_mesh_protos.model_runtime_pb2")
etcd: Any = importlib.import_module("solo_mesh_protos.etcd_pb2")
