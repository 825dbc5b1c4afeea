"""Report of a run: the promises and the tables in Markdown that the documentation shows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.measurements import (
    BARE,
    LIBRARY_CELL,
    OURS,
    SERVERS,
    SMALL,
    TEMPLATE,
    Measurements,
    Throughput,
    What,
)

MANY = 1_000
"""Number of models in the promise about memory."""
NOTHING = "-"
"""Mark of what was not measured or not reached."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A promised bound on one measured value."""

    what: str
    """Description of the value."""
    value: float | None
    """Measured value, if any."""
    form: Callable[[float], str]
    """Formatter of value and bound."""
    bound: float
    """Lower or upper bound of the value."""
    least: bool = False
    """Whether the bound is a lower one."""

    @property
    def kept(self) -> bool | None:
        """Whether the promise is kept; None if the value was not measured."""
        if self.value is None:
            return None
        return self.value >= self.bound if self.least else self.value <= self.bound


def promises(measured: Measurements) -> list[Promise]:
    """Promises of the runtime with their measured values."""
    throughput, image = measured.throughput, measured.image
    share = None if isinstance(image, str) else image[OURS].compressed / image[TEMPLATE].compressed
    return [
        Promise(
            what="requests/s ÷ the template's, 8 clients, N = 1",
            value=throughput.ratio(SMALL, OURS, TEMPLATE), form=times, bound=2.5, least=True,
        ),
        Promise(
            what="requests/s of a bare gRPC server ÷ ours, 8 clients, N = 1",
            value=throughput.ratio(SMALL, BARE, OURS), form=times, bound=2.5,
        ),
        Promise(
            what="requests/s ÷ the template's, 8 clients, N = 256",
            value=throughput.ratio(LIBRARY_CELL, OURS, TEMPLATE), form=times, bound=1, least=True,
        ),
        Promise(
            what="texts/s of the library in a loop ÷ ours, 8 clients, N = 256",
            value=measured.library_to_ours, form=times, bound=1.2,
        ),
        Promise(
            what=f"memory with {_small(MANY)}",
            value=measured.footprints[OURS].bytes_with(MANY), form=mib, bound=2**30,
        ),
        Promise(what="image ÷ the template's, compressed", value=share, form="{:.0%}".format, bound=0.6),
    ]  # fmt: skip


def promise_table(promised: Sequence[Promise], title: str = "ratio") -> str:
    """Table of the promises and whether they are kept."""
    marks = {True: "✓", False: "✗", None: ""}
    rows = [
        (
            each.what,
            "not measured" if each.value is None else each.form(each.value),
            f"{'≥' if each.least else '≤'} {each.form(each.bound)}",
            marks[each.kept],
        )
        for each in promised
    ]
    return table((title, "measured", "promised", ""), rows)


def throughput_table(throughput: Throughput) -> str:
    """Requests per second and milliseconds (p50 / p99) of the three servers under each load."""
    compared = ("ours ÷ template", "by CPU time", "bare ÷ ours", "by CPU time")
    header = ("clients", "N", *SERVERS, *compared, *(f"ms, {name}" for name in SERVERS))
    kinds: tuple[What, ...] = ("requests_per_second", "per_cpu_second")
    rows = []
    for cell in throughput.rounds:
        pairs = ((OURS, TEMPLATE), (BARE, OURS))
        ratios = [throughput.ratio(cell, *pair, kind) for pair in pairs for kind in kinds]
        rates = (f"{throughput.median(cell, server):,.0f}" for server in SERVERS)
        latencies = (
            f"{throughput.median(cell, server, 'p50_ms'):.3g} / {throughput.median(cell, server, 'p99_ms'):.3g}"
            for server in SERVERS
        )
        rows.append((str(cell.clients), str(cell.texts), *rates, *map(times, ratios), *latencies))
    return table(header, rows)


def footprint_table(measured: Measurements) -> str:
    """Time to ready, memory, loading and image size of the three servers."""
    footprints = [measured.footprints[server] for server in SERVERS]
    numbers = sorted({number for each in footprints for number in each.memory})
    rows = [("time to ready", *(f"{median(each.ready_seconds):.2f} s" for each in footprints))]
    for number in numbers:
        what = f"memory with {_small(number)}" if number else "memory at rest"
        rows.append((what, *(_given(each.bytes_with(number), mib) for each in footprints)))
    rows.append(("memory of one more", *(_given(each.bytes_per_model, kib) for each in footprints)))
    rows += [
        (f"mean time to load {_small(number)}", *(_given(each.load_seconds.get(number), _ms) for each in footprints))
        for number in numbers
        if number > 1
    ]
    image = measured.image
    if isinstance(image, str):
        rows.append(("image", image, image, NOTHING))
    else:
        for what in ("compressed", "unpacked"):
            sizes = (mib(getattr(image[server], what)) for server in (OURS, TEMPLATE))
            rows.append((f"image, {what}", *sizes, NOTHING))
    return table(("", *SERVERS), rows)


def variant_table(throughput: Throughput, shipped: str, *others: str) -> str:
    """Requests per second of each variant, as a multiple of what is shipped."""
    cells = list(throughput.rounds)
    header = ("8 clients", *(f"N = {cell.texts}" for cell in cells))
    rows = [(shipped, *(f"{throughput.median(cell, shipped):,.0f}/s" for cell in cells))]
    rows += [(name, *(times(throughput.ratio(cell, name, shipped)) for cell in cells)) for name in others]
    return table(header, rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose first column is text and whose others are numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _small(number: int) -> str:
    return f"{number:,} model{'s' if number > 1 else ''} of 100 words"


def times(ratio: float) -> str:
    """A ratio formatted as a multiple."""
    return f"{ratio:.2f} x"


def mib(size: float) -> str:
    """Formatted size in MiB."""
    return f"{size / 2**20:,.0f} MiB"


def kib(size: float) -> str:
    """Formatted size in KiB."""
    return f"{size / 1024:,.0f} KiB"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _given(value: float | None, form: Callable[[float], str]) -> str:
    return NOTHING if value is None else form(value)
