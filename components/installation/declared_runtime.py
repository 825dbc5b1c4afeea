"""Model formats, protocols and sizes that a (Cluster)ServingRuntime declares, read from its document."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from ..core.names_and_quantities import quantity
from ..core.problem import FieldPath, Problem
from ..core.reading import Spec, at, entries, requested

ProtocolVersion = Literal["v1", "v2", "grpc-v1", "grpc-v2"]
PROTOCOLS: tuple[ProtocolVersion, ...] = get_args(ProtocolVersion)
_LABEL_LENGTH = 63


@dataclass(frozen=True, kw_only=True)
class DeclaredRuntime:
    """Properties of a ServingRuntime or ClusterServingRuntime by which ModelMesh places models."""

    name: str
    namespace: str | None
    """Namespace of a ServingRuntime; None for a ClusterServingRuntime, which serves every model namespace."""
    formats: tuple[tuple[str, str | None], ...]
    """Name and version of each format with `autoSelect`; models of other formats must name the runtime."""
    protocol_versions: tuple[str, ...] = ()
    disabled: bool = False
    load_timeout_seconds: float | None = None
    """Time to load a model; None if the model server's own adapter sets it."""
    pulls: bool = True
    """Whether ModelMesh fetches models; False if the model server gets the path and storage key and fetches them."""
    room_bytes: int | None = None
    """Memory for models in each pod; None if the model server's own adapter sets it."""
    model_size_multiplier: float = 1.25
    """Factor of the mesh from the size of a model's files to its memory."""
    planned_model_bytes: int | None = None
    """Size of a model's files in the runtime's memory plan, if it has one."""

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Read a rendered (Cluster)ServingRuntime."""
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
            room_bytes=_room_bytes(spec),
            model_size_multiplier=float(quantity(_adapter_environment(spec).get("MODELSIZE_MULTIPLIER")) or 1.25),
        )

    def protocols(self, *, rest_proxy: bool) -> list[str]:
        """List the protocols that services may request; the REST proxy adds v2 to grpc-v2."""
        translated = ["v2"] if rest_proxy and "grpc-v2" in self.protocol_versions else []
        return sorted({*self.protocol_versions, *translated})

    def takes(self, name: str, version: str | None, protocol: str | None, *, rest_proxy: bool) -> bool:
        """Tell whether ModelMesh chooses this runtime for such a model; versions are compared as text."""
        fits = any(own == name and version in (None, own_version) for own, own_version in self.formats)
        return fits and (protocol is None or protocol in self.protocols(rest_proxy=rest_proxy))


def _adapter_environment(spec: Spec) -> dict[str, object]:
    return {str(entry.get("name")): entry.get("value") for _, entry in entries(at(spec, "builtInAdapter", "env"))}


def _room_bytes(spec: Spec) -> int | None:
    """Memory request of the model server's container minus the adapter's buffer, which the mesh fills with models."""
    server = at(spec, "builtInAdapter", "serverType")
    containers = [entry for _, entry in entries(spec.get("containers")) if entry.get("name") == server]
    total = quantity(requested(containers[0], "memory")) if containers else None
    buffer = quantity(at(spec, "builtInAdapter", "memBufferBytes") or 0)
    return None if total is None or buffer is None else int(total - buffer)


def deployment_problems(path: FieldPath, service: str, runtime: str) -> Iterator[Problem]:
    """Check the length of the runtime's Deployment name, which is also the value of a label."""
    if len(label := f"{service}-{runtime}") > _LABEL_LENGTH:
        expected = f"a name that is {len(label) - _LABEL_LENGTH} characters shorter: {label!r} is the value of a label"
        yield Problem(path, runtime, expected)
