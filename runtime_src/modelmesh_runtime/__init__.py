"""Base of custom MLServer runtimes for ModelMesh.

A runtime is a subclass of CustomMLModel: it declares its tensors, reads a model's files and computes the outputs. The
names below are imported when they are used, so that the server handles signals before it imports MLServer, and so that
`modelmesh_runtime.manifest` works where there is no MLServer.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlserver.errors import InferenceError
    from mlserver.types import Datatype

    from .custom_model import CustomMLModel, ModelLoadError, PredictionError
    from .tensors import BASE64, TEXT, Tensor

__all__ = [
    "BASE64",
    "TEXT",
    "CustomMLModel",
    "Datatype",
    "InferenceError",
    "ModelLoadError",
    "PredictionError",
    "Tensor",
]

_MODULES = {
    "Datatype": "mlserver.types",
    "InferenceError": "mlserver.errors",
    **dict.fromkeys(("BASE64", "TEXT", "Tensor"), ".tensors"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES.get(name, ".custom_model"), __name__), name)
