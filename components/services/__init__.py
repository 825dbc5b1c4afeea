"""Values that describe a served model, and the error of a model that is not served."""

from .golden_predictions import GoldenPredictions
from .model_location import StorageUri
from .readiness import NotServedError
from .runtime_gate import RuntimeGate, RuntimeGateArgs

__all__ = [
    "GoldenPredictions",
    "NotServedError",
    "RuntimeGate",
    "RuntimeGateArgs",
    "StorageUri",
]
