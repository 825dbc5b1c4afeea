"""Locations of an InferenceService's model: a path in a store of its namespace, or a URI."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from ..core.problem import ROOT
from ..core.rendering import Document, document, with_placeholders
from . import model_uri
from .location_rules import default_key

Texts = Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class _InAStore:
    """Fields of both forms, for the store and for files other than the model."""

    key: str | None = None
    """Storage key; None means the entry `default`, or `default_<type>` if the URI or the parameters have a type."""
    schema_path: pulumi.Input[str] | None = None
    """Path of a file in the same store with the schema of the model's inputs and outputs."""
    parameters: Texts = field(default_factory=dict, repr=False)
    """Fields that replace those of the entry, like another `bucket`. They are not secret in the cluster."""

    def entry_key(self) -> str:
        """Key of the entry that the puller looks up."""
        return self.key if self.key is not None else default_key(self._kind())

    def _kind(self) -> str | None:
        kind: str | None = with_placeholders(self.parameters).get("type")
        return kind

    def _storage(self, carried: Texts, path: pulumi.Input[str] | None) -> Document | None:
        parameters = {**carried, **self.parameters} or None
        storage: Document = document(
            {"key": self.key, "path": path, "schemaPath": self.schema_path, "parameters": parameters}
        )
        return storage or None


@dataclass(frozen=True, kw_only=True)
class ModelPath(_InAStore):
    """A file or a folder in a store, by its path."""

    path: pulumi.Input[str]
    """Path from the top of the store, without / at its start. ModelMesh moves to a new model when the path changes, and
    does not notice new content under an unchanged path."""

    def rendered(self, carried: Texts) -> Document:
        """Fields of the model; `carried` are the parameters that the store requires."""
        return {"storage": self._storage(carried, self.path)}


@dataclass(frozen=True, kw_only=True)
class StorageUri(_InAStore):
    """A file or a folder, by a URI: s3://, gs:// or pvc://<name>/<path>, or http(s)://, also for Azure."""

    uri: pulumi.Input[str] = field(repr=False)
    """URI of the model. ModelMesh only switches to a new model when it changes."""

    def rendered(self, carried: Texts) -> Document:
        """Fields of the model; `carried` are the parameters that the store requires."""
        return {"storageUri": self.uri, "storage": self._storage(carried, None)}

    def _kind(self) -> str | None:
        return model_uri.read(ROOT / "uri", with_placeholders(self.uri)).parameters.get("type") or super()._kind()
