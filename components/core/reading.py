"""Access to documents with arbitrary content.

The schema reports wrong types, and values that are not known yet cannot be checked.
"""

from collections.abc import Mapping
from typing import Any

from .rendering import Unknown

Spec = dict[str, Any]
Entries = list[tuple[int, Spec]]


def at(value: Any, *path: str) -> Any:
    """Value below a path of keys; None if there is none, an Unknown if it is not known yet."""
    for key in path:
        if isinstance(value, Unknown):
            return value
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def entries(value: Any) -> Entries:
    """Mappings of a list, each with its index."""
    found = enumerate(value) if isinstance(value, list) else ()
    return [(index, entry) for index, entry in found if isinstance(entry, dict)]


def column(value: Any, field: str) -> list[Any]:
    """Values of one field in the mappings of a list; None for mappings without it, an Unknown for an unknown list."""
    listed = [value] if isinstance(value, Unknown) else value
    return [at(entry, field) for entry in listed] if isinstance(listed, list) else []


def text(value: Any) -> str | None:
    """The value if it is a known string."""
    return value if isinstance(value, str) and not isinstance(value, Unknown) else None


def number(value: Any) -> int | float | None:
    """The value if it is a known number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def requested(container: Spec, resource: str) -> Any:
    """Request of a container for a resource, or its limit if it has no request, as in the API server."""
    request = at(container, "resources", "requests", resource)
    return at(container, "resources", "limits", resource) if request is None else request
