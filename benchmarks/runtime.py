"""Measures the model server against the tutorial's template settings, a bare gRPC server and the library in a loop.

`.venv/bin/python -m benchmarks.runtime` takes about seven minutes and writes tables and a plot to `benchmarks/results`;
with `--quick` it takes less than two, and writes to `.build/benchmarks`. `--settings` measures the effect of changing
one setting of the server at a time instead.

All servers run at the same time on separate ports of the loopback interface, and take turns of a few seconds. Their
scores are compared first, the status of every response is checked, and results are compared by ratios.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks import arrays, load, measuring, plot, report, servers
from benchmarks.image_size import ImageSize, image_size, running_builder
from benchmarks.measurements import BARE, LIBRARY_CELL, OURS, TEMPLATE, Cell, Measurements, Throughput
from benchmarks.measuring import Contender, say
from benchmarks.servers import Environment, Program, Server, environment_in
from benchmarks.texts import EXAMPLE, example
from benchmarks.variants import RAW, VARIANTS
from project.errors import UserError

RESULTS = Path(__file__).parent / "results"
QUICK_RESULTS = Path(".build/benchmarks")
TEXTS = (1, 16, 256)
CELLS = [Cell(clients, texts) for texts in TEXTS for clients in (1, 8, 32)]
SETTINGS_CELLS = [Cell(8, texts) for texts in TEXTS]
ROUNDS = 5
LIMIT_SECONDS = 15 * 60
"""Time limit of a run, which is then stopped with all servers."""
_VERSIONS = "from importlib.metadata import version as v; print(v('mlserver'), v('grpcio'), v('uvloop'))"


def main() -> None:
    """Read the command line, measure, print and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtime", description="Measure the model server.")
    parser.add_argument("--quick", action="store_true", help="less than two minutes, for a first look")
    parser.add_argument("--settings", action="store_true", help="one setting changed at a time, instead")
    arguments = parser.parse_args()
    measuring.begin()
    signal.alarm(LIMIT_SECONDS)
    results = QUICK_RESULTS if arguments.quick else RESULTS
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        environment = environment_in(Path(scratch))
        if arguments.settings:
            throughput = measure_settings(environment, rounds=2 if arguments.quick else ROUNDS)
            text = report.variant_table(throughput, *VARIANTS)
            (results / "settings.md").write_text(text)
        else:
            measured = measure(environment, quick=arguments.quick)
            text = "\n".join(
                [
                    report.promise_table(report.promises(measured)),
                    report.throughput_table(measured.throughput),
                    arrays.table(measured.arrays),
                    report.footprint_table(measured),
                    f"{_machine(environment)}\n",
                ]
            )
            (results / "runtime.md").write_text(text)
            plot.plot_runtime(measured.throughput, results / "runtime.svg")
    print(f"\n{text}\nwritten to {results}")


def measure(environment: Environment, *, quick: bool) -> Measurements:
    """Measure everything about the three servers."""
    programs = {
        OURS: Program(source=servers.RUNTIME),
        TEMPLATE: servers.template(),
        BARE: servers.bare(environment.protoset),
    }
    measured = Measurements(image="not measured: --quick" if quick else _image_sizes(environment))
    starts, models, seconds = (2, [1, 100], 0.5) if quick else (5, [1, 100, report.MANY], 2.0)
    measured.footprints = measuring.footprints(environment, programs, starts=starts, models=models)
    with closing(_turns(environment, programs, CELLS, rounds=3 if quick else ROUNDS, seconds=seconds)) as turns:
        for cell, measured.throughput in turns:
            if cell == LIBRARY_CELL:
                measured.library.append(measuring.library(environment, environment.scratch / EXAMPLE, seconds))
    measured.arrays = arrays.measure(environment, rounds=3 if quick else ROUNDS, seconds=seconds / 2)
    return measured


def measure_settings(environment: Environment, *, rounds: int) -> Throughput:
    """Measure this project's server with one setting changed at a time."""
    *_, (_, throughput) = _turns(environment, VARIANTS, SETTINGS_CELLS, rounds=rounds, seconds=1.5)
    return throughput


def _turns(
    environment: Environment, programs: Mapping[str, Program], cells: Sequence[Cell], *, rounds: int, seconds: float
) -> Generator[tuple[Cell, Throughput], None, None]:
    """Start all programs with the example model, compare their answers, and measure them in turns."""
    model = example(environment.scratch)
    say("load generator: ghz (the first time, it is built in about a minute)")
    generator = load.Generator(load.ghz(), environment.protoset)
    kinds = {raw: measuring.requests(environment, TEXTS, raw=raw) for raw in (False, True)}
    contenders = {}
    with ExitStack() as stack:
        for name, program in programs.items():
            say(f"starting: {name}")
            server = stack.enter_context(Server(environment, program, name))
            server.wait_until_ready()
            server.load_timed(EXAMPLE, model)
            contenders[name] = Contender(server, kinds[name == RAW])
        measuring.compare_answers(environment, contenders, max(TEXTS))
        yield from measuring.alternate(generator, contenders, cells, rounds=rounds, seconds=seconds)


def _image_sizes(environment: Environment) -> dict[str, ImageSize] | str:
    node = running_builder()
    if not node:
        return "not measured: no embedded node runs"
    sizes = {}
    for name, folder in {OURS: servers.RUNTIME, TEMPLATE: servers.TEMPLATE}.items():
        say(f"building the image: {name}")
        sizes[name] = image_size(node, folder, environment.scratch)
    return sizes


def _machine(environment: Environment) -> str:
    printed = subprocess.run(
        [environment.venv / "bin/python", "-c", _VERSIONS], check=True, stdout=subprocess.PIPE, text=True
    )
    mlserver, grpcio, uvloop = printed.stdout.split()
    ghz = re.search(r"bojand/ghz v(\S+)", (load.MODULE / "go.mod").read_text())
    return (
        f"{len(os.sched_getaffinity(0))} cores, shared with the load generator (ghz {ghz[1] if ghz else '?'}); "
        f"Python {'.'.join(map(str, sys.version_info[:3]))}, MLServer {mlserver}, grpcio {grpcio}, uvloop {uvloop}."
    )


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"✗ {error}")
