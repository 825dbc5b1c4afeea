"""Reads properties that may hold anything anywhere; of a value that is not known yet no rule can complain."""

from collections.abc import Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]


class Unknown:
    """Stands for a value that only an update tells."""


UNKNOWN = Unknown()


def at(value: Any, *path: str) -> Any:
    """What stands below a path of keys; None where nothing does, UNKNOWN where that is not known yet."""
    for key in path:
        if value is UNKNOWN:
            return value
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def entries(value: Any) -> Iterator[tuple[int, Spec]]:
    """The mappings of a list, each with its index."""
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        if isinstance(entry, Mapping):
            yield index, entry


def texts(value: Any) -> list[tuple[str, str]]:
    """The known texts of a mapping, each with its key."""
    return (
        [(key, entry) for key, entry in value.items() if isinstance(entry, str)] if isinstance(value, Mapping) else []
    )


def text(value: Any) -> str | None:
    """A text that is known."""
    return value if isinstance(value, str) else None
