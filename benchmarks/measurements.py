"""What was measured, and the arithmetic on it: ratios are taken within a round, and the median of rounds counts.

Neighbours in time share whatever else the machine does, so their ratio is steadier than either of them.
"""

from dataclasses import dataclass, field
from statistics import median
from typing import Literal, NamedTuple

from benchmarks.image_size import ImageSize
from benchmarks.load import Measured

OURS, TEMPLATE, BARE = "ours", "template", "bare"
SERVERS = (OURS, TEMPLATE, BARE)


class Cell(NamedTuple):
    """One kind of load: requests under way at a time, and texts in each."""

    clients: int
    texts: int


SMALL, LIBRARY_CELL = Cell(clients=8, texts=1), Cell(clients=8, texts=256)


What = Literal["requests_per_second", "p50_ms", "p99_ms"]


@dataclass
class Throughput:
    """What each server did under each load, round by round: `rounds[cell][round][server]`."""

    rounds: dict[Cell, list[dict[str, Measured]]] = field(default_factory=dict)

    def median(self, cell: Cell, server: str, what: What = "requests_per_second") -> float:
        """The median round of one server."""
        values: list[float] = [getattr(each[server], what) for each in self.rounds[cell]]
        return median(values)

    def ratio(self, cell: Cell, over: str, under: str) -> float:
        """How many times the requests of `under` are those of `over`."""
        rounds = self.rounds[cell]
        return median(each[over].requests_per_second / each[under].requests_per_second for each in rounds)


@dataclass
class Footprint:
    """What one server takes while nobody asks it anything.

    Attributes:
        ready_seconds: from its start, once for each.
        memory: bytes by number of small models loaded, once for each start or number.
        load_seconds: of one model on average, by number of models that were loaded one after the other.
    """

    ready_seconds: list[float] = field(default_factory=list)
    memory: dict[int, list[int]] = field(default_factory=dict)
    load_seconds: dict[int, float] = field(default_factory=dict)

    def bytes_with(self, models: int) -> float | None:
        """Memory with so many small models, if it came that far."""
        return median(self.memory[models]) if models in self.memory else None

    @property
    def bytes_per_model(self) -> float:
        """What one more small model takes; the first one brings things that all share."""
        most = max(self.memory)
        return (median(self.memory[most]) - median(self.memory[1])) / (most - 1)


@dataclass
class Measurements:
    """All of a run.

    Attributes:
        library: texts per second of the library alone, round by round with `LIBRARY_CELL`.
        image: bytes of the images, compressed and unpacked, or why they were not measured.
    """

    throughput: Throughput = field(default_factory=Throughput)
    library: list[float] = field(default_factory=list)
    footprints: dict[str, Footprint] = field(default_factory=lambda: {name: Footprint() for name in SERVERS})
    image: dict[str, ImageSize] | str = "not measured"

    @property
    def library_to_ours(self) -> float:
        """How many times the texts that our server scores in a second are those of the library in a loop."""
        pairs = zip(self.library, self.throughput.rounds[LIBRARY_CELL], strict=True)
        return median(texts / (each[OURS].requests_per_second * LIBRARY_CELL.texts) for texts, each in pairs)
