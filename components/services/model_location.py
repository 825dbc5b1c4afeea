"""Where an InferenceService's model is: a path in a store of its namespace, or a URI."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from ..core.rendering import Document, document, with_placeholders
from . import model_uri
from .location_rules import default_key

Texts = Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class _InAStore:
    """What both forms may say of the store and of files besides the model."""

    key: str | None = None
    """Its storage key. By default the entry `default`, or `default_<type>` where parameters or URI say a type."""
    schema_path: pulumi.Input[str] | None = None
    """A file in the same store that tells the model's inputs and outputs."""
    parameters: Texts = field(default_factory=dict, repr=False)
    """What differs from the key's entry, like another `bucket`; anyone who may read InferenceServices sees it."""

    def entry_key(self) -> str:
        """The key of the entry that is looked up."""
        return self.key if self.key is not None else default_key(self._kind())

    def _kind(self) -> str | None:
        kind: str | None = with_placeholders(self.parameters).get("type")
        return kind

    def _storage(self, carried: Texts, path: pulumi.Input[str] | None) -> Document | None:
        parameters = {**carried, **self.parameters} or None
        said: Document = document(
            {"key": self.key, "path": path, "schemaPath": self.schema_path, "parameters": parameters}
        )
        return said or None


@dataclass(frozen=True, kw_only=True)
class ModelPath(_InAStore):
    """A file or a folder in a store."""

    path: pulumi.Input[str]
    """From the top of the store, so without a / at its start. A new path is a new model, and ModelMesh changes over to
    it; new bytes behind the same one go unnoticed."""

    def rendered(self, carried: Texts) -> Document:
        """The fields of the model; `carried` is what the store asks its services to say."""
        return {"storage": self._storage(carried, self.path)}


@dataclass(frozen=True, kw_only=True)
class StorageUri(_InAStore):
    """A file or a folder by one text: s3://, gs:// or pvc://<name>/<path>, or http(s)://, which may be Azure's."""

    uri: pulumi.Input[str] = field(repr=False)
    """As with a path, only a new one is a new model."""

    def rendered(self, carried: Texts) -> Document:
        """The fields of the model; `carried` is what the store asks its services to say."""
        return {"storageUri": self.uri, "storage": self._storage(carried, None)}

    def _kind(self) -> str | None:
        return model_uri.read("uri", with_placeholders(self.uri)).parameters.get("type") or super()._kind()
