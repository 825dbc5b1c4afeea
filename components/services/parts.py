"""Splits many InferenceServices into parts, each of which has a ConfigMap and a Job that applies it.

By a hash of its name, each service has one of a fixed number of slots, and each part has the services of some slots.
The slot is a label of the service, by which a part's Job finds what it has to delete. So no Job deletes a service of
another part, and a service that comes to another part stays, as its slot does.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..core.problem import FieldPath, Problem, Text

SLOT = "modelmesh.pulumi.com/slot"
"""Label of a service."""
_SLOTS = 256
_MOST_BYTES, _USUAL_BYTES = 900_000, 500_000
"""Size of the services in one ConfigMap, which holds 1 MiB: the largest, and the average that is not exceeded."""
_MOST_BYTES_EACH = 120_000
"""Largest size of a service: kubectl writes it to an annotation, and all annotations of an object hold 256 KiB."""


@dataclass(frozen=True)
class Part:
    """The services of some slots."""

    number: int
    count: int
    """Number of all parts."""
    services: tuple[str, ...]
    """Names of the services; a part may have none."""

    @property
    def selector(self) -> str:
        """Requirements of a label selector, each after a comma, for all services of the part, and of earlier ones."""
        if self.count == 1:
            return ""
        return f",{SLOT} in ({','.join(map(str, range(self.number, _SLOTS, self.count)))})"


def slot(name: str) -> int:
    """Slot of the service of this name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest(), "big") % _SLOTS


def parts(sizes: Mapping[str, int]) -> list[Part]:
    """Split services of these sizes; the number of parts is a power of two, so that it changes rarely."""
    slots = {name: slot(name) for name in sizes}
    count = 1
    while True:
        names: list[list[str]] = [[] for _ in range(count)]
        for name in sizes:
            names[slots[name] % count].append(name)
        found = [Part(number, count, tuple(part)) for number, part in enumerate(names)]
        large = sum(sizes.values()) > count * _USUAL_BYTES or not all(_fits(part, sizes) for part in found)
        if not large or count == _SLOTS:
            return found
        count *= 2


def size_problems(path: FieldPath, sizes: Mapping[str, int]) -> Iterator[Problem]:
    """Check that kubectl can apply each service, and that the ConfigMaps can hold all of them."""
    for name, size in sizes.items():
        if size > _MOST_BYTES_EACH:
            yield Problem(path / name, Text(f"{size:,} bytes"), f"at most {_MOST_BYTES_EACH:,}")
    if not all(_fits(part, sizes) for part in parts(sizes)):
        yield Problem(path, Text(f"{sum(sizes.values()):,} bytes"), f"services that fit into {_SLOTS} ConfigMaps")


def _fits(part: Part, sizes: Mapping[str, int]) -> bool:
    return sum(sizes[name] for name in part.services) <= _MOST_BYTES
