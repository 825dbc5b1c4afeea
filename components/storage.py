"""Where models are stored, typed, and the Secret in which ModelMesh Serving looks each storage key up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from .kept_secret import encoded


@dataclass(frozen=True, kw_only=True)
class S3Storage:
    """A bucket of an S3 service."""

    endpoint_url: pulumi.Input[str]
    bucket: pulumi.Input[str]
    region: pulumi.Input[str]
    access_key_id: pulumi.Input[str]
    secret_access_key: pulumi.Input[str]

    def entry(self) -> pulumi.Output[str]:
        """The JSON object that ModelMesh Serving reads; every value in it has to be a string."""
        fields = pulumi.Output.all(
            type="s3",
            endpoint_url=self.endpoint_url,
            bucket=self.bucket,
            region=self.region,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
        )
        return pulumi.Output.secret(fields.apply(lambda values: json.dumps(values, sort_keys=True)))


@dataclass(frozen=True, kw_only=True)
class StorageConfigArgs:
    """The entries by storage key, which is what an InferenceService names."""

    namespace: pulumi.Input[str]
    entries: Mapping[str, S3Storage]


class StorageConfig(pulumi.ComponentResource):
    """The storage Secret of one namespace; runtime pods mount it, so it has to be there before them."""

    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: StorageConfigArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:StorageConfig", name, {}, opts)
        # Secret as a whole, since each entry is.
        entries = pulumi.Output.all(**{key: storage.entry() for key, storage in args.entries.items()})
        secret = kubernetes.core.v1.Secret(
            name,
            metadata={"name": "storage-config", "namespace": args.namespace},
            data=entries.apply(encoded),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.secret_name = secret.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"secret_name": self.secret_name})
