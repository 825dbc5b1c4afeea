"""What a benchmark makes of its numbers; the servers and the load generator are not started here."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import plot, report
from benchmarks.errors import BenchmarkError
from benchmarks.image_size import ImageSize
from benchmarks.load import Measured, parse
from benchmarks.measurements import BARE, LIBRARY_CELL, OURS, SERVERS, SMALL, TEMPLATE, Footprint, Measurements
from benchmarks.texts import TEXTS

MIB = 2**20
GHZ = {
    "count": 3,
    "rps": 120.5,
    "statusCodeDistribution": {"OK": 3},
    "errorDistribution": {},
    "latencyDistribution": [{"percentage": 50, "latency": 1_500_000}, {"percentage": 99, "latency": 9_000_000}],
}


def under_load(**rates: float) -> dict[str, Measured]:
    return {
        name: Measured(
            requests=round(rate),
            requests_per_second=rate,
            per_cpu_second=2 * rate**1.1,
            p50_ms=1000 / rate,
            p99_ms=2000 / rate,
        )
        for name, rate in rates.items()
    }


@pytest.fixture
def measured() -> Measurements:
    """Three rounds, of which the machine spoilt the second for everybody."""
    found = Measurements(library=[24_000, 6_000, 24_000])
    found.throughput.rounds[SMALL] = [
        under_load(ours=3000, template=1000, bare=6000),
        under_load(ours=600, template=200, bare=1200),
        under_load(ours=3300, template=1000, bare=5000),
    ]
    found.throughput.rounds[LIBRARY_CELL] = [
        under_load(ours=100, template=80, bare=110),
        under_load(ours=25, template=20, bare=30),
        under_load(ours=100, template=90, bare=110),
    ]
    for server in SERVERS:
        memory = {0: [100 * MIB, 104 * MIB], 1: [110 * MIB], 101: [210 * MIB]}
        found.footprints[server] = Footprint(
            ready_seconds=[1.0, 3.0, 1.2], memory=memory, load_seconds={1: 0.3, 101: 0.002}
        )
    found.image = {
        OURS: ImageSize(compressed=50 * MIB, unpacked=150 * MIB),
        TEMPLATE: ImageSize(compressed=100 * MIB, unpacked=400 * MIB),
    }
    return found


def test_a_report_of_the_load_generator_is_read() -> None:
    assert parse(GHZ) == Measured(requests=3, requests_per_second=120.5, p50_ms=1.5, p99_ms=9.0)


@pytest.mark.parametrize(
    "statuses",
    [{"OK": 2, "Unavailable": 1}, {"Unavailable": 3}, {"OK": 2}, {}, None],
    ids=["one failed", "all failed", "one is missing", "none came", "none at all"],
)
def test_one_answer_that_is_not_ok_spoils_the_measurement(statuses: dict[str, int] | None) -> None:
    with pytest.raises(BenchmarkError, match="not every request was answered with OK"):
        parse({**GHZ, "statusCodeDistribution": statuses})


def test_ratios_are_taken_within_a_round(measured: Measurements) -> None:
    throughput = measured.throughput
    assert throughput.ratio(SMALL, OURS, TEMPLATE) == 3.0
    assert throughput.ratio(SMALL, BARE, OURS) == 2.0
    assert throughput.median(SMALL, OURS) == 3000
    assert measured.library_to_ours == pytest.approx(24_000 / 25_600)


def test_memory_of_a_model_leaves_out_what_the_first_one_brings(measured: Measurements) -> None:
    assert measured.footprints[OURS].bytes_per_model == MIB
    assert measured.footprints[OURS].bytes_with(0) == 102 * MIB
    assert measured.footprints[OURS].bytes_with(1_000) is None


def test_a_promise_is_kept_broken_or_unknown(measured: Measurements) -> None:
    measured.footprints[OURS].memory[report.MANY] = [2 * 2**30]
    measured.image = "not measured: no embedded node runs"
    assert [each.kept for each in report.promises(measured)] == [True, True, True, True, False, None]


def test_tables_say_what_was_measured_and_what_was_not(measured: Measurements) -> None:
    assert report.promise_table(report.promises(measured)) == (
        "| ratio | measured | promised |  |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| requests/s ÷ the template's, 8 clients, N = 1 | 3.00 x | ≥ 2.50 x | ✓ |\n"
        "| requests/s of a bare gRPC server ÷ ours, 8 clients, N = 1 | 2.00 x | ≤ 2.50 x | ✓ |\n"
        "| requests/s ÷ the template's, 8 clients, N = 256 | 1.25 x | ≥ 1.00 x | ✓ |\n"
        "| texts/s of the library in a loop ÷ ours, 8 clients, N = 256 | 0.94 x | ≤ 1.20 x | ✓ |\n"
        "| memory with 1,000 models of 100 words | not measured | ≤ 1,024 MiB |  |\n"
        "| image ÷ the template's, compressed | 50% | ≤ 60% | ✓ |\n"
    )
    assert (
        "| 8 | 1 | 3,000 | 1,000 | 5,000 | 3.00 x | 3.35 x | 2.00 x | 2.14 x | 0.333 / 0.667 | 1 / 2 | 0.2 / 0.4 |\n"
        in report.throughput_table(measured.throughput)
    )
    lines = report.footprint_table(measured).splitlines()
    assert "| time to ready | 1.20 s | 1.20 s | 1.20 s |" in lines
    assert "| memory with 101 models of 100 words | 210 MiB | 210 MiB | 210 MiB |" in lines
    assert "| mean time to load 101 models of 100 words | 2.0 ms | 2.0 ms | 2.0 ms |" in lines
    assert "| image, unpacked | 150 MiB | 400 MiB | - |" in lines


def test_what_a_server_did_not_reach_is_a_gap_in_its_column(measured: Measurements) -> None:
    measured.footprints[BARE].memory[report.MANY] = [40 * MIB]
    measured.footprints[BARE].load_seconds[report.MANY] = 0.001
    measured.image = "not measured: no embedded node runs"
    lines = report.footprint_table(measured).splitlines()
    assert "| memory with 1,000 models of 100 words | - | - | 40 MiB |" in lines
    assert "| mean time to load 1,000 models of 100 words | - | - | 1.0 ms |" in lines
    assert "| image | not measured: no embedded node runs | not measured: no embedded node runs | - |" in lines


def test_a_server_that_loads_only_one_model_in_time_has_no_memory_of_one_more(measured: Measurements) -> None:
    del measured.footprints[TEMPLATE].memory[101]
    assert "| memory of one more | 1,024 KiB | - | 1,024 KiB |" in report.footprint_table(measured).splitlines()


def test_variants_are_multiples_of_what_is_shipped(measured: Measurements) -> None:
    assert report.variant_table(measured.throughput, TEMPLATE, OURS) == (
        "| 8 clients | N = 1 | N = 256 |\n"
        "| --- | ---: | ---: |\n"
        "| template | 1,000/s | 80/s |\n"
        "| ours | 3.00 x | 1.25 x |\n"
    )


def test_the_picture_depends_on_the_numbers_alone(measured: Measurements, tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in ("first.svg", "again.svg", "other.svg"))
    plot.plot_runtime(measured.throughput, first)
    plot.plot_runtime(measured.throughput, again)
    spoilt = measured.throughput.rounds[SMALL]
    spoilt[:] = [{**each, OURS: replace(each[OURS], requests_per_second=1.0)} for each in spoilt]
    plot.plot_runtime(measured.throughput, other)
    assert first.read_text() == again.read_text() != other.read_text()
    assert "3.0 x" in first.read_text()


def test_the_texts_are_256_different_ones() -> None:
    assert len(set(TEXTS)) == len(TEXTS) == 256
