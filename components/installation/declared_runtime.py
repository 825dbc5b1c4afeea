"""What a runtime promises to serve, read from its document, whoever made it: a component or upstream."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

ProtocolVersion = Literal["v1", "v2", "grpc-v1", "grpc-v2"]
PROTOCOLS: tuple[ProtocolVersion, ...] = get_args(ProtocolVersion)
_LABEL_LENGTH = 63


@dataclass(frozen=True, kw_only=True)
class DeclaredRuntime:
    """A ServingRuntime or ClusterServingRuntime as ModelMesh matches models against it."""

    name: str
    namespace: str | None
    """None for a ClusterServingRuntime, which serves every model namespace."""
    formats: tuple[tuple[str, str | None], ...]
    """Name and version of those formats that it takes by itself (`autoSelect`); the others need the runtime's name."""
    protocol_versions: tuple[str, ...] = ()
    disabled: bool = False
    load_timeout_seconds: float | None = None
    """None where the model server's own adapter sets it."""
    pulls: bool = True
    """False where the model server is told a model's path and key as they stand, and fetches it itself."""

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Reads a whole document."""
        metadata, spec = document["metadata"], document["spec"]
        timeout = spec.get("builtInAdapter", {}).get("modelLoadingTimeoutMillis")
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"] if document["kind"] == "ServingRuntime" else None,
            formats=tuple(
                (entry["name"], entry.get("version"))
                for entry in spec.get("supportedModelFormats", [])
                if entry.get("autoSelect") is True
            ),
            protocol_versions=tuple(spec.get("protocolVersions", [])),
            disabled=spec.get("disabled", False) or not spec.get("multiModel", False),
            load_timeout_seconds=timeout / 1000 if timeout else None,
            pulls="builtInAdapter" in spec or spec.get("storageHelper", {}).get("disabled") is not True,
        )

    def protocols(self, *, rest_proxy: bool) -> list[str]:
        """What services may ask for: the REST proxy turns one protocol into another."""
        translated = ["v2"] if rest_proxy and "grpc-v2" in self.protocol_versions else []
        return sorted({*self.protocol_versions, *translated})

    def takes(self, name: str, version: str | None, protocol: str | None, *, rest_proxy: bool) -> bool:
        """Whether ModelMesh places a model of this kind here by itself; versions are compared as text."""
        fits = any(own == name and version in (None, own_version) for own, own_version in self.formats)
        return fits and (protocol is None or protocol in self.protocols(rest_proxy=rest_proxy))


def deployment_problems(path: str, service: str, runtime: str) -> Iterator[str]:
    """Yields a problem if the name of the runtime's Deployment, which is also a label's value, is too long."""
    if len(label := f"{service}-{runtime}") > _LABEL_LENGTH:
        yield f"{path}: {label!r} becomes a label and is {len(label)} characters long, {_LABEL_LENGTH} fit"
