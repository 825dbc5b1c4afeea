"""Reads documents that may hold anything anywhere.

A wrong shape is for the schema to tell, and of a value that is not known yet nobody can.
"""

from typing import Any

from .rendering import Unknown

Spec = dict[str, Any]
Entries = list[tuple[int, Spec]]


def at(value: Any, *path: str) -> Any:
    """What stands below a path of keys; None where nothing does, an Unknown where that is not known yet."""
    for key in path:
        if isinstance(value, Unknown):
            return value
        value = value.get(key) if isinstance(value, dict) else None
    return value


def entries(value: Any) -> Entries:
    """The mappings of a list, each with its index."""
    found = enumerate(value) if isinstance(value, list) else ()
    return [(index, entry) for index, entry in found if isinstance(entry, dict)]


def column(value: Any, field: str) -> list[Any]:
    """What the mappings of a list have in a field; None stands for whatever has none."""
    return [at(entry, field) for entry in value] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """A text that is known."""
    return value if isinstance(value, str) and not isinstance(value, Unknown) else None


def number(value: Any) -> int | float | None:
    """A number that is known."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def requested(container: Spec, resource: str) -> Any:
    """What a container requests of a resource: like the API server, its limit where it names no request."""
    request = at(container, "resources", "requests", resource)
    return at(container, "resources", "limits", resource) if request is None else request
