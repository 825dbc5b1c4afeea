"""Typed arguments as plain documents: for custom resources, which take nothing else, and for checks before any exists.

Pulumi's own argument classes keep Python names and may hold Outputs anywhere. A document has Kubernetes' names; in one
that is to be checked, each Output is an `Unknown`, about which no check may complain.
"""

import base64
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeGuard

import pulumi
from pulumi import _types  # the only place that knows an argument class's wire names

Document = dict[str, Any]


class Unknown(str):
    """Stands for a value that is known only once something else exists."""

    __slots__ = ()


def document(value: Any) -> Any:
    """The value with every argument class turned into a mapping with Kubernetes' names; what is None is left out."""
    if _types.is_input_type(type(value)):
        value = _types.input_type_to_dict(value)
    if isinstance(value, Mapping):
        return {key: document(entry) for key, entry in value.items() if entry is not None}
    if _is_list(value):
        return [document(entry) for entry in value]
    return value


def with_placeholders(value: Any) -> Any:
    """A document without Outputs: each is an `Unknown` instead."""
    if isinstance(value, pulumi.Output | Awaitable):
        return Unknown("(known later)")
    if isinstance(value, Mapping):
        return {key: with_placeholders(entry) for key, entry in value.items()}
    if _is_list(value):
        return [with_placeholders(entry) for entry in value]
    return value


def encoded(values: Mapping[str, str]) -> dict[str, str]:
    """The `data` of a Secret with these texts: each value in base64."""
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
