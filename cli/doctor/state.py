"""The objects that a stack has applied, from the engine's state."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cli.doctor.api import Identity

SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105  a mark, not a secret
"""Key by which the engine marks an encrypted value."""
_STACK = "pulumi:pulumi:Stack"
_PATCH = "Patch"
"""Suffix of the engine's types for objects that belong to another owner, such as `NamespacePatch`."""


@dataclass(frozen=True, kw_only=True)
class Applied:
    """An object as the stack applied it."""

    identity: Identity
    api_version: str
    inputs: dict[str, Any]
    """Fields of the object; those that are secret are encrypted."""


def applied(resources: Iterable[dict[str, Any]]) -> Iterator[Applied]:
    """Return the Kubernetes objects among the resources of a state, without those that await their deletion."""
    for resource in resources:
        inputs = resource.get("inputs") or {}
        if not resource["type"].startswith("kubernetes:") or resource.get("delete") or "kind" not in inputs:
            continue
        namespace, _, name = str(resource.get("id", "")).rpartition("/")
        kind = resource["type"].rpartition(":")[2].removesuffix(_PATCH)
        yield Applied(identity=Identity(kind, namespace, name), api_version=inputs["apiVersion"], inputs=inputs)


def outputs(resources: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the stack's outputs, without the values of those that are secret."""
    stack = next((each for each in resources if each["type"] == _STACK), {})
    return {name: _shown(value) for name, value in (stack.get("outputs") or {}).items()}


def _shown(value: Any) -> Any:
    return "(hidden)" if isinstance(value, dict) and SECRET in value else value
