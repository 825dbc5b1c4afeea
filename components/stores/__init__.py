"""Where models and the registry of models are stored: kinds of storage, an external etcd, volumes."""

from .etcd_connection import EtcdConnection
from .model_artifact import PromotedModel
from .stateful_set import Persistence
from .storage import AzureStorage, ExistingStorage, GcsStorage, HttpStorage, PvcStorage, Storage, StorageConfigArgs

__all__ = [
    "AzureStorage",
    "EtcdConnection",
    "ExistingStorage",
    "GcsStorage",
    "HttpStorage",
    "Persistence",
    "PromotedModel",
    "PvcStorage",
    "Storage",
    "StorageConfigArgs",
]
