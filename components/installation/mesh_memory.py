"""How ModelMesh's start script divides the memory of its container, of which messages get what remains.

A message that finds no room there ends in an OutOfDirectMemoryError, so memory has to grow with the largest message.
"""

import itertools
from decimal import Decimal

from ..core.names_and_quantities import MIB

_UPSTREAMS_MIB = 448
_STEP_MIB = 64
_MESSAGES = Decimal("4.5")
"""How many of the largest messages fit by upstream's defaults."""


def buffer_mib(limit_mib: int) -> int:
    """What is left for messages of a memory limit by the heap and the JVM itself."""
    heap = min(limit_mib * 41 // 100, 640)
    return limit_mib - heap - 192


def memory_mib(max_message_bytes: int) -> int:
    """Upstream's memory, or the least step above it that holds as many messages."""
    needed = max_message_bytes * _MESSAGES / MIB
    return next(memory for memory in itertools.count(_UPSTREAMS_MIB, _STEP_MIB) if buffer_mib(memory) >= needed)
