"""Plots of a run as reproducible SVGs: requests of the three servers, and many models of stack and kubectl."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.measurements import BARE, OPERATIONS, OURS, SERVERS, TEMPLATE, Cell, ManyModels, Throughput

_LABELS = {
    OURS: "this runtime (n x: its multiple of the template)",
    TEMPLATE: "template settings",
    BARE: "bare gRPC server (limit)",
}
_COLORS = {OURS: "#0072b2", TEMPLATE: "#e69f00", BARE: "#bbbbbb"}  # distinguishable by the colour-blind
_BAR = 0.27
_STYLE: dict[Any, Any] = {
    # Text is kept as text and ids derive from the content, so equal numbers give equal files.
    "svg.fonttype": "none",
    "svg.hashsalt": "benchmarks",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@contextmanager
def drawn(file: Path, *, width: float, height: float) -> Iterator[Figure]:
    """Provide a figure, which is saved at the end of the block."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})


def plot_runtime(throughput: Throughput, file: Path) -> None:
    """Draw one column for each number of texts: requests per second above, latency below."""
    texts = sorted({cell.texts for cell in throughput.rounds})
    clients = sorted({cell.clients for cell in throughput.rounds})
    with drawn(file, width=9, height=5) as figure:
        above, below = figure.subplots(2, len(texts), squeeze=False)
        for column, number in enumerate(texts):
            cells = [Cell(each, number) for each in clients]
            _draw_rates(above[column], throughput, cells)
            _draw_latencies(below[column], throughput, cells)
            above[column].set_title("1 text a request" if number == 1 else f"{number} texts a request")
        above[0].set_ylabel("requests/s")
        below[0].set_ylabel("p50 to p99, ms")
        handles, labels = above[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(SERVERS), frameon=False)


def plot_many(many: Sequence[ManyModels], file: Path) -> None:
    """Draw one column for each operation of the stack and kubectl, both axes logarithmic."""
    with drawn(file, width=9, height=3) as figure:
        for axes, what in zip(figure.subplots(1, len(OPERATIONS), sharey=True), OPERATIONS, strict=True):
            numbers = [each.models for each in many]
            axes.plot(numbers, [each.ours[what] for each in many], "o-", color=_COLORS[OURS], label="stack")
            if all(what in each.kubectl for each in many):
                by_hand = [each.kubectl[what] for each in many]
                axes.plot(numbers, by_hand, "s-", color=_COLORS[TEMPLATE], label="kubectl")
            axes.set(title=what, xscale="log", yscale="log", xlabel="models")
            axes.set_xticks(numbers, [f"{number:,}" for number in numbers])
            axes.minorticks_off()
        figure.axes[0].set_ylabel("seconds")
        figure.axes[0].legend(frameon=False)


def _draw_rates(axes: Axes, throughput: Throughput, cells: list[Cell]) -> None:
    for place, server in enumerate(SERVERS):
        rates = [throughput.median(cell, server) for cell in cells]
        axes.bar(_places(cells, place), rates, _BAR, color=_COLORS[server], label=_LABELS[server])
    _name_clients(axes, cells, [f"\n{throughput.ratio(cell, OURS, TEMPLATE):.1f} x" for cell in cells])


def _draw_latencies(axes: Axes, throughput: Throughput, cells: list[Cell]) -> None:
    for place, server in enumerate(SERVERS):
        lows = [throughput.median(cell, server, "p50_ms") for cell in cells]
        highs = [throughput.median(cell, server, "p99_ms") for cell in cells]
        heights = [high - low for low, high in zip(lows, highs, strict=True)]
        axes.bar(_places(cells, place), heights, _BAR, bottom=lows, color=_COLORS[server])
    axes.set_yscale("log")
    axes.use_sticky_edges = False  # adds a margin below the lowest bar
    axes.margins(y=0.1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    _name_clients(axes, cells, [""] * len(cells))


def _places(cells: list[Cell], place: int) -> list[float]:
    return [index + (place - 1) * _BAR for index in range(len(cells))]


def _name_clients(axes: Axes, cells: list[Cell], more: list[str]) -> None:
    clients = [f"{cell.clients} client{'s' if cell.clients > 1 else ''}" for cell in cells]
    names = [each + rest for each, rest in zip(clients, more, strict=True)]
    axes.set_xticks(range(len(cells)), names)
    axes.tick_params(axis="x", length=0)
