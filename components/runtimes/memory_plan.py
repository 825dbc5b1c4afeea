"""How much memory a model server needs for so many models of such a size, from how ModelMesh counts.

The mesh fills a runtime up to its container's memory request less a buffer, evicting what was used least recently, and
takes for a model's size that of its files times a factor. The files lie on a volume that may grow to 1.5 times the
memory limit. Too little of either shows late: as a killed container, an evicted pod, or a model that comes and goes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..core.names_and_quantities import MIB

ADAPTER_EXPANSION = 1.25
"""What the adapter multiplies by where it is told nothing."""

_BLOCK = 8 * 2**10
"""The mesh counts in units of this many bytes."""
_USABLE = 0.9
"""Up to a tenth the mesh keeps free for models that are being unloaded."""
_SMALLEST_ROOM = 10_000_000
"""With less the mesh does not start."""
_FILES_PER_MEMORY = 1.5
_SHORTEST_TIMEOUT_SECONDS = 90


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """What is to fit into each pod of a runtime. Sizes in bytes."""

    model_bytes: int
    """A model's files."""
    resident_models: int
    """How many of them a pod is to hold at once."""
    expansion: float = ADAPTER_EXPANSION
    """Bytes in memory for a byte on disk."""
    server_bytes: int = 128 * MIB
    """One process of the server, without models."""
    processes: int = 1
    """How many processes each hold all the models, like MLServer's parallel workers."""
    max_message_bytes: int = 16 * MIB
    """Of a request or a reply; each process may have one of both in hand."""
    bytes_per_second: int = 10 * MIB
    """How fast a model is fetched and read; the load timeout is twice the time that takes, and at least 90 s."""

    def problems(self) -> Iterator[str]:
        """What makes this no plan."""
        for name, value in vars(self).items():
            if not value > 0:
                yield f"plan.{name}: {value!r}, expected more than 0"

    @property
    def model_size_multiplier(self) -> float:
        """The mesh's factor from a model's files to its memory, in all processes."""
        return self.expansion * self.processes

    @property
    def room_bytes(self) -> int:
        """For models, as the mesh counts them."""
        model = math.ceil(self.model_bytes * self.model_size_multiplier / _BLOCK) * _BLOCK
        return max(math.ceil(self.resident_models * model / _USABLE), _SMALLEST_ROOM)

    @property
    def files_bytes(self) -> int:
        """The files of as many models as the mesh may take into that room, and of one that is coming."""
        return math.ceil(self.room_bytes / self.model_size_multiplier) + self.model_bytes

    @property
    def memory_bytes(self) -> int:
        """Of the container, request and limit alike, in whole MiB."""
        server = self.processes * (self.server_bytes + 2 * self.max_message_bytes)
        enough = max(self.room_bytes + server, math.ceil(self.files_bytes / _FILES_PER_MEMORY))
        return math.ceil(enough / MIB) * MIB

    @property
    def memory(self) -> str:
        """The same as a quantity."""
        return f"{self.memory_bytes // MIB}Mi"

    @property
    def memory_buffer_bytes(self) -> int:
        """All that is not room for models, so that the mesh never takes in more than was planned."""
        return self.memory_bytes - self.room_bytes

    @property
    def load_timeout_seconds(self) -> int:
        """For one model."""
        return max(_SHORTEST_TIMEOUT_SECONDS, math.ceil(2 * self.model_bytes / self.bytes_per_second))

    def __str__(self) -> str:
        return (
            f"{self.resident_models} models of {_mib(self.model_bytes)}, {self.model_size_multiplier:g} times that in "
            f"memory: {_mib(self.room_bytes)} of room, and {_mib(self.memory_buffer_bytes)} for the server, make "
            f"{self.memory} in each pod; up to {_mib(self.files_bytes)} of files, and {self.load_timeout_seconds} s to "
            "load one"
        )


def _mib(size: int) -> str:
    return f"{size / MIB:.1f} MiB"
