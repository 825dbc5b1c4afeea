"""Values that describe a served model, and the error of a model that is not served."""

from .model_location import StorageUri
from .readiness import NotServedError

__all__ = [
    "NotServedError",
    "StorageUri",
]
