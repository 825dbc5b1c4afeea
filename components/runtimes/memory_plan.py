"""Memory of a model server, calculated from the number and size of its models like ModelMesh does.

The mesh loads models until they fill the container's memory request minus a buffer, and then evicts the least recently
used one. It takes the size of a model's files times a factor as the model's size. The files are on a volume with a
limit of 1.5 times the memory limit. Too little memory or disk shows late: as a container that is killed, a pod that is
evicted, or a model that is loaded and evicted again and again.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..core.names_and_quantities import MIB
from ..core.problem import FieldPath, Problem

ADAPTER_EXPANSION = 1.25
"""Default factor of the adapter from the size of a model's files to its memory."""

_BLOCK = 8 * 2**10
"""Unit in bytes in which the mesh counts memory."""
_USABLE = 0.9
"""Usable share of the memory: the mesh keeps up to a tenth free for models that are being unloaded."""
_SMALLEST_ROOM = 10_000_000
"""Minimum memory for models in bytes, below which the mesh does not start."""
_FILES_PER_MEMORY = 1.5
_SHORTEST_TIMEOUT_SECONDS = 90


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """Models that each pod of a runtime has to hold. Sizes are in bytes."""

    model_bytes: int
    """Size of one model's files."""
    resident_models: int
    """Number of models that a pod holds at the same time."""
    expansion: float = ADAPTER_EXPANSION
    """Factor from the size of a model's files to its memory."""
    server_bytes: int = 128 * MIB
    """Memory of one server process without models."""
    processes: int = 1
    """Number of processes that each hold all models, like MLServer's parallel workers."""
    max_message_bytes: int = 16 * MIB
    """Maximum size of a request or response; each process may hold one of each."""
    bytes_per_second: int = 10 * MIB
    """Rate at which a model is fetched and read; the load timeout is twice the time needed, at least 90 s."""
    shared_memory_bytes: int | None = None
    """Size of /dev/shm, through which processes exchange tensors; None for the 64 MiB that all containers have."""

    def problems(self) -> Iterator[Problem]:
        """Check that all numbers are above zero."""
        for name, value in vars(self).items():
            if value is not None and not value > 0:
                yield Problem(FieldPath("plan", name), value, "more than 0")

    @property
    def model_size_multiplier(self) -> float:
        """Factor of the mesh from the size of a model's files to its memory in all processes."""
        return self.expansion * self.processes

    @property
    def room_bytes(self) -> int:
        """Memory for models, as the mesh counts it."""
        needed = needed_bytes(self.model_bytes, self.model_size_multiplier, models=self.resident_models)
        return max(needed, _SMALLEST_ROOM)

    @property
    def files_bytes(self) -> int:
        """Size of the files of all models that fit into that memory, and of one that is being fetched."""
        return math.ceil(self.room_bytes / self.model_size_multiplier) + self.model_bytes

    @property
    def memory_bytes(self) -> int:
        """Memory request and limit of the container, in whole MiB."""
        server = self.processes * (self.server_bytes + 2 * self.max_message_bytes) + (self.shared_memory_bytes or 0)
        enough = max(self.room_bytes + server, math.ceil(self.files_bytes / _FILES_PER_MEMORY))
        return math.ceil(enough / MIB) * MIB

    @property
    def memory(self) -> str:
        """Memory request and limit of the container as a quantity."""
        return f"{self.memory_bytes // MIB}Mi"

    @property
    def memory_buffer_bytes(self) -> int:
        """Memory that is not for models, so that the mesh loads no more models than planned."""
        return self.memory_bytes - self.room_bytes

    @property
    def load_timeout_seconds(self) -> int:
        """Timeout for loading one model."""
        return max(_SHORTEST_TIMEOUT_SECONDS, math.ceil(2 * self.model_bytes / self.bytes_per_second))

    def __str__(self) -> str:
        return (
            f"{self.resident_models} models of {_mib(self.model_bytes)}, {self.model_size_multiplier:g} times that in "
            f"memory: {_mib(self.room_bytes)} for models and {_mib(self.memory_buffer_bytes)} for the server give "
            f"{self.memory} per pod; up to {_mib(self.files_bytes)} of files, and {self.load_timeout_seconds} s to "
            "load a model"
        )


def needed_bytes(model_bytes: int, multiplier: float, *, models: int) -> int:
    """Memory that the mesh needs to hold so many models whose files have this size."""
    model = math.ceil(model_bytes * multiplier / _BLOCK) * _BLOCK
    return math.ceil(models * model / _USABLE)


def _mib(size: int) -> str:
    return f"{size / MIB:.1f} MiB"
