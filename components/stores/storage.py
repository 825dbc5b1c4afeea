"""Where models are stored, typed, and the Secret in which ModelMesh Serving looks each storage key up.

A class's fields have the names that ModelMesh's puller reads, wherever that makes sense in Python too.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.component import Component
from ..core.problem import raise_if_invalid
from ..core.rendering import encoded
from .storage_rules import storage_problems


class _Stored:
    """What all kinds of storage have in common."""

    type: ClassVar[str]

    def fields(self) -> dict[str, pulumi.Input[str]]:
        """What the puller is told, by the names that it reads."""
        own = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}  # type: ignore[arg-type]
        return {"type": self.type, **{name: value for name, value in own.items() if value is not None}}

    def entry(self) -> pulumi.Output[str]:
        """The JSON object in the Secret; every value in it has to be a string, or no runtime of the namespace runs."""
        fields = pulumi.Output.all(**self.fields())
        return pulumi.Output.secret(fields.apply(lambda values: json.dumps(values, sort_keys=True)))

    def parameters(self) -> dict[str, pulumi.Input[str]]:
        """What each InferenceService has to say itself, since an entry cannot. Credentials: to be made secret there."""
        return {}


@dataclass(frozen=True, kw_only=True)
class S3Storage(_Stored):
    """A bucket of an S3 service."""

    type: ClassVar[str] = "s3"
    endpoint_url: pulumi.Input[str] = field(repr=False)
    bucket: pulumi.Input[str] | None = None
    """An InferenceService may name another one, in its URI or its parameters; without one here, each has to."""
    region: pulumi.Input[str]
    access_key_id: pulumi.Input[str] = field(repr=False)
    secret_access_key: pulumi.Input[str] = field(repr=False)
    certificate: pulumi.Input[str] | None = None
    """PEM of the CA that signed the endpoint's certificate, where no public one did; the text itself, not a path."""


@dataclass(frozen=True, kw_only=True)
class GcsStorage(_Stored):
    """A bucket of Google Cloud Storage: by a service account's key, or without any if it is public."""

    type: ClassVar[str] = "gcs"
    bucket: pulumi.Input[str] | None = None
    """As of S3."""
    private_key: pulumi.Input[str] | None = field(default=None, repr=False)
    """PEM, as in the service account's JSON file."""
    client_email: pulumi.Input[str] | None = None
    token_uri: pulumi.Input[str] | None = field(default=None, repr=False)
    """Google's own by default."""


@dataclass(frozen=True, kw_only=True)
class AzureStorage(_Stored):
    """A container of Azure Blob Storage: by a connection string, by a service principal, or public."""

    type: ClassVar[str] = "azure"
    account_name: pulumi.Input[str]
    container: pulumi.Input[str] | None = None
    """Likewise."""
    connection_string: pulumi.Input[str] | None = field(default=None, repr=False)
    client_id: pulumi.Input[str] | None = None
    client_secret: pulumi.Input[str] | None = field(default=None, repr=False)
    tenant_id: pulumi.Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
class PvcStorage(_Stored):
    """A volume of the namespace, mounted read-only in all runtime pods there; pods do not start before it exists."""

    type: ClassVar[str] = "pvc"
    claim_name: pulumi.Input[str]
    """A change restarts the runtimes' pods."""

    def fields(self) -> dict[str, pulumi.Input[str]]:
        """The puller calls the claim `name`."""
        return {"type": self.type, "name": self.claim_name}


@dataclass(frozen=True, kw_only=True)
class HttpStorage(_Stored):
    """A web server, from which single files are had: nothing there can be listed."""

    type: ClassVar[str] = "http"
    url: pulumi.Input[str] = field(repr=False)
    """What stands before the path of a model; a query in it is sent along."""
    certificate: pulumi.Input[str] | None = None
    """Refused, as are the two below: the puller of v0.12.0 reads them and then crashes, with all models of its pod."""
    client_certificate: pulumi.Input[str] | None = None
    client_key: pulumi.Input[str] | None = field(default=None, repr=False)
    headers: Mapping[str, pulumi.Input[str]] = field(default_factory=dict, repr=False)
    """They travel in the InferenceServices, since a Secret's entry cannot hold them: secret in the stack's state, but
    not in the cluster from those who may read InferenceServices."""

    def fields(self) -> dict[str, pulumi.Input[str]]:
        """All but the headers."""
        fields = super().fields()
        del fields["headers"]
        return fields

    def parameters(self) -> dict[str, pulumi.Input[str]]:
        """One for each header."""
        return {f"headers.{name}": value for name, value in self.headers.items()}


Storage = S3Storage | GcsStorage | AzureStorage | PvcStorage | HttpStorage


@dataclass(frozen=True, kw_only=True)
class ExistingStorage:
    """A storage Secret that is there already."""

    secret_name: str
    keys: Sequence[str] | None = None
    """The storage keys in it; None is not known, and then no InferenceService is checked against them."""


@dataclass(frozen=True, kw_only=True)
class StorageConfigArgs:
    """The entries by storage key, which is what an InferenceService names."""

    namespace: pulumi.Input[str]
    secret_name: str
    """The same in all namespaces: the installation's configuration says it."""
    entries: Mapping[str, Storage]


class StorageConfig(Component):
    """The storage Secret of one namespace, also without any entry: runtime pods mount it and wait for it."""

    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: StorageConfigArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("StorageConfig", args.secret_name, storage_problems(args.entries))
        super().__init__("modelmesh:index:StorageConfig", name, {}, opts)
        # Secret as a whole, since each entry is.
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
