"""Reading of properties with arbitrary content; rules cannot be violated by values that are not known yet."""

from collections.abc import Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]


class Unknown:
    """Placeholder of a value that is unknown until an update."""


UNKNOWN = Unknown()


def at(value: Any, *path: str) -> Any:
    """Value below a path of keys; None if there is none, UNKNOWN if it is not known yet."""
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
    """Known strings of a mapping, each with its key."""
    return (
        [(key, entry) for key, entry in value.items() if isinstance(entry, str)] if isinstance(value, Mapping) else []
    )


def text(value: Any) -> str | None:
    """The value if it is a known string."""
    return value if isinstance(value, str) else None
