"""Stores that models are pulled from, and the Secret in which ModelMesh Serving looks up storage keys.

Fields have the names that ModelMesh's puller reads, unless those would mislead in Python.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.component import Component
from ..core.rendering import encoded


class _Stored:
    """Base of all storage types."""

    type: ClassVar[str]

    def fields(self) -> dict[str, pulumi.Input[str]]:
        """The fields that the puller reads, by its names for them."""
        own = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}  # type: ignore[arg-type]
        return {"type": self.type, **{name: value for name, value in own.items() if value is not None}}

    def entry(self) -> pulumi.Output[str]:
        """The entry's JSON text. A value that is not a string would stop every runtime of the namespace."""
        fields = pulumi.Output.all(**self.fields())
        return pulumi.Output.secret(fields.apply(lambda values: json.dumps(values, sort_keys=True)))

    def parameters(self) -> dict[str, pulumi.Input[str]]:
        """Parameters that each InferenceService has to pass, since an entry cannot hold them. They can be secret."""
        return {}


@dataclass(frozen=True, kw_only=True)
class S3Storage(_Stored):
    """A bucket of an S3 service."""

    type: ClassVar[str] = "s3"
    endpoint_url: pulumi.Input[str] = field(repr=False)
    bucket: pulumi.Input[str] | None = None
    """Default bucket; omit it if every InferenceService names one in its URI or its parameters."""
    region: pulumi.Input[str]
    access_key_id: pulumi.Input[str] = field(repr=False)
    secret_access_key: pulumi.Input[str] = field(repr=False)
    certificate: pulumi.Input[str] | None = None
    """PEM text of the endpoint's CA, if that is not a public one."""


@dataclass(frozen=True, kw_only=True)
class GcsStorage(_Stored):
    """A bucket of Google Cloud Storage, read with a service account's key or, if it is public, without one."""

    type: ClassVar[str] = "gcs"
    bucket: pulumi.Input[str] | None = None
    """Default bucket; omit it if every InferenceService names one in its URI or its parameters."""
    private_key: pulumi.Input[str] | None = field(default=None, repr=False)
    """PEM text of the key, as in the service account's JSON file."""
    client_email: pulumi.Input[str] | None = None
    token_uri: pulumi.Input[str] | None = field(default=None, repr=False)
    """URL that issues tokens; Google's by default."""


@dataclass(frozen=True, kw_only=True)
class AzureStorage(_Stored):
    """A container of Azure Blob Storage, read with a connection string or a service principal, or public."""

    type: ClassVar[str] = "azure"
    account_name: pulumi.Input[str]
    container: pulumi.Input[str] | None = None
    """Default container; omit it if every InferenceService names one in its URI or its parameters."""
    connection_string: pulumi.Input[str] | None = field(default=None, repr=False)
    client_id: pulumi.Input[str] | None = None
    client_secret: pulumi.Input[str] | None = field(default=None, repr=False)
    tenant_id: pulumi.Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
class PvcStorage(_Stored):
    """A PersistentVolumeClaim that all runtime pods of the namespace mount read-only, and wait for."""

    type: ClassVar[str] = "pvc"
    claim_name: pulumi.Input[str]
    """Name of the claim. A change restarts the runtime pods."""

    def fields(self) -> dict[str, pulumi.Input[str]]:
        """The fields that the puller reads; it calls the claim `name`."""
        return {"type": self.type, "name": self.claim_name}


@dataclass(frozen=True, kw_only=True)
class HttpStorage(_Stored):
    """A web server. A model there is a single file, since the puller cannot list folders."""

    type: ClassVar[str] = "http"
    url: pulumi.Input[str] = field(repr=False)
    """URL that a model's path is appended to; its query is sent with each request."""
    certificate: pulumi.Input[str] | None = None
    """Not supported, nor are the client's certificate and key: the puller of v0.12.0 crashes on them."""
    client_certificate: pulumi.Input[str] | None = None
    client_key: pulumi.Input[str] | None = field(default=None, repr=False)
    headers: Mapping[str, pulumi.Input[str]] = field(default_factory=dict, repr=False)
    """HTTP headers of requests to the server.

    The InferenceServices contain them, since the Secret cannot: they are secret in the stack's state, but visible in
    the cluster to users who may read InferenceServices.
    """

    def fields(self) -> dict[str, pulumi.Input[str]]:
        """The fields that the puller reads, without the headers."""
        fields = super().fields()
        del fields["headers"]
        return fields

    def parameters(self) -> dict[str, pulumi.Input[str]]:
        """A parameter for each header."""
        return {f"headers.{name}": value for name, value in self.headers.items()}


Storage = S3Storage | GcsStorage | AzureStorage | PvcStorage | HttpStorage


@dataclass(frozen=True, kw_only=True)
class ExistingStorage:
    """A storage Secret that exists already."""

    secret_name: str
    keys: Sequence[str] | None = None
    """Storage keys in the Secret; None means unknown, and InferenceServices are not checked against them."""


@dataclass(frozen=True, kw_only=True)
class StorageConfigArgs:
    """Arguments of StorageConfig."""

    namespace: pulumi.Input[str]
    secret_name: str
    """Name of the Secret, from the installation's configuration; equal in all namespaces."""
    entries: Mapping[str, Storage]
    """Stores by the storage key that an InferenceService names; ModelNamespace has checked them."""


class StorageConfig(Component):
    """The storage Secret of a namespace. Runtime pods mount it and wait for it, even if it has no entries."""

    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: StorageConfigArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:StorageConfig", name, {}, opts)
        given = {key: storage.entry() for key, storage in args.entries.items()}
        entries: pulumi.Output[dict[str, str]] = pulumi.Output.from_input(given)  # type: ignore[arg-type]
        secret = kubernetes.core.v1.Secret(
            name,
            metadata={"name": args.secret_name, "namespace": args.namespace},
            data=entries.apply(encoded),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.secret_name = secret.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"secret_name": self.secret_name})
