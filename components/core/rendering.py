"""Typed arguments as plain documents, for custom resources and for checks before any resource exists.

Pulumi's argument classes have Python names and may contain Outputs anywhere. A document has Kubernetes' names; in one
that is to be checked, each Output is an `Unknown`, which no check rejects.
"""

import base64
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeGuard

import pulumi
from pulumi import _types  # the only module with the wire names of argument classes

Document = dict[str, Any]


class Unknown(str):
    """Placeholder of a value that is only known after an update."""

    __slots__ = ()


KNOWN_LATER = Unknown("(known later)")


def document(value: Any) -> Any:
    """Convert argument classes to mappings with Kubernetes' names, omitting None."""
    if _types.is_input_type(type(value)):
        value = _types.input_type_to_dict(value)
    if isinstance(value, Mapping):
        return {key: document(entry) for key, entry in value.items() if entry is not None}
    if _is_list(value):
        return [document(entry) for entry in value]
    return value


def with_placeholders(value: Any) -> Any:
    """Copy of a document with an `Unknown` instead of each Output."""
    if isinstance(value, pulumi.Output | Awaitable):
        return KNOWN_LATER
    if isinstance(value, Mapping):
        return {key: with_placeholders(entry) for key, entry in value.items()}
    if _is_list(value):
        return [with_placeholders(entry) for entry in value]
    return value


def encoded(values: Mapping[str, str]) -> dict[str, str]:
    """The `data` of a Secret with these values, encoded in base64."""
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
