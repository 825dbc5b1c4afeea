"""Results of a run and their aggregation: ratios are taken within a round, and the median of rounds counts.

Consecutive measurements are affected alike by other load on the machine, so their ratio varies less than either value.
"""

from dataclasses import dataclass, field
from statistics import median
from typing import Literal, NamedTuple

from benchmarks.image_size import ImageSize
from benchmarks.load import Measured

OURS, TEMPLATE, BARE = "ours", "template", "bare"
SERVERS = (OURS, TEMPLATE, BARE)
UP, PREVIEW, CHANGE, DESTROY = OPERATIONS = ("up", "no-op preview", "one changed", "destroy")


class Cell(NamedTuple):
    """One kind of load: the number of concurrent requests, and of texts in each."""

    clients: int
    texts: int


SMALL, LIBRARY_CELL = Cell(clients=8, texts=1), Cell(clients=8, texts=256)


What = Literal["requests_per_second", "per_cpu_second", "p50_ms", "p99_ms"]


@dataclass
class Throughput:
    """Results of each server under each load, by round: `rounds[cell][round][server]`."""

    rounds: dict[Cell, list[dict[str, Measured]]] = field(default_factory=dict)

    def median(self, cell: Cell, server: str, what: What = "requests_per_second") -> float:
        """Median over the rounds of one server."""
        values: list[float] = [getattr(each[server], what) for each in self.rounds[cell]]
        return median(values)

    def ratio(self, cell: Cell, over: str, under: str, what: What = "requests_per_second") -> float:
        """Requests per second of `over` ÷ those of `under`; the median of rounds."""
        ratios: list[float] = [getattr(each[over], what) / getattr(each[under], what) for each in self.rounds[cell]]
        return median(ratios)


@dataclass
class Footprint:
    """Resources of one idle server."""

    ready_seconds: list[float] = field(default_factory=list)
    """Seconds from start to ready, one per start."""
    memory: dict[int, list[int]] = field(default_factory=dict)
    """Bytes by number of loaded small models, one value per start or number."""
    load_seconds: dict[int, float] = field(default_factory=dict)
    """Mean seconds to load one model, by number of models that were loaded one after the other."""

    def bytes_with(self, models: int) -> float | None:
        """Memory with this number of small models, if that many were loaded."""
        return median(self.memory[models]) if models in self.memory else None

    @property
    def bytes_per_model(self) -> float | None:
        """Memory of each additional small model, if there were any; the first one also loads code that all share."""
        most = max(self.memory)
        return (median(self.memory[most]) - median(self.memory[1])) / (most - 1) if most > 1 else None


class Rate(NamedTuple):
    """Requests of one client, one after the other."""

    per_second: float
    per_cpu_second: float
    """Requests per second of the server's CPU time, which other load on the machine changes little."""


Arrays = dict[tuple[str, str], list[dict[str, Rate]]]
"""Rates of each server, by model and form of the contents, in rounds."""


@dataclass
class Measurements:
    """All results of a run."""

    throughput: Throughput = field(default_factory=Throughput)
    library: list[float] = field(default_factory=list)
    """Texts per second of the library alone, by round with `LIBRARY_CELL`."""
    footprints: dict[str, Footprint] = field(default_factory=lambda: {name: Footprint() for name in SERVERS})
    arrays: Arrays = field(default_factory=dict)
    """Rates of requests with arrays of numbers."""
    image: dict[str, ImageSize] | str = "not measured"
    """Sizes of the images in bytes, or why they were not measured."""

    @property
    def library_to_ours(self) -> float:
        """Texts per second of the library in a loop ÷ those of this server; the median of rounds."""
        pairs = zip(self.library, self.throughput.rounds[LIBRARY_CELL], strict=True)
        return median(texts / (each[OURS].requests_per_second * LIBRARY_CELL.texts) for texts, each in pairs)


@dataclass
class ManyModels:
    """Results for one number of models."""

    models: int
    ours: dict[str, float] = field(default_factory=dict)
    """Seconds of each operation of the stack."""
    kubectl: dict[str, float] = field(default_factory=dict)
    """Seconds of kubectl for those operations that have a counterpart."""
    memory: dict[str, int] = field(default_factory=dict)
    """Peak bytes of the engine, the program and plugins together in each operation."""
    state: int = 0
    """Size of the state file in bytes."""
