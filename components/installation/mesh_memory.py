"""Memory of ModelMesh's container, as its start script divides it among heap, JVM and message buffers.

A message that does not fit into the buffers fails with an OutOfDirectMemoryError, so the container's memory has to grow
with the maximum message size.
"""

import itertools
from decimal import Decimal

from ..core.names_and_quantities import MIB

_UPSTREAM_MIB = 448
_STEP_MIB = 64
_MESSAGES = Decimal("4.5")
"""Number of messages of the maximum size that fit with upstream's defaults."""


def buffer_mib(limit_mib: int) -> int:
    """Return the part of a memory limit that heap and JVM leave for messages."""
    heap = min(limit_mib * 41 // 100, 640)
    return limit_mib - heap - 192


def memory_mib(max_message_bytes: int) -> int:
    """Return upstream's memory, or the first 64 MiB step above it that holds as many messages."""
    needed = max_message_bytes * _MESSAGES / MIB
    return next(memory for memory in itertools.count(_UPSTREAM_MIB, _STEP_MIB) if buffer_mib(memory) >= needed)
