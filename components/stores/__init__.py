"""Stores of models and of the registry of models: kinds of storage, an external etcd, and volumes."""

from .etcd_connection import EtcdConnection
from .model_artifact import PromotedModel
from .stateful_set import Persistence
from .storage import AzureStorage, ExistingStorage, GcsStorage, HttpStorage, PvcStorage, Storage

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
]
