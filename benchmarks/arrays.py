"""Measures arrays of numbers: this server, the tutorial's template with MLServer's codec, and a bare gRPC server.

`.venv/bin/python -m benchmarks.arrays` takes a minute, and `make benchmark` includes it. The model doubles an array, so
that the protocol is what costs. One client sends the same bytes over and over; the servers take turns of a second, so
that other load on the machine affects them alike, and each round's ratio is taken before the median.
"""

import json
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

import grpc

from benchmarks import measuring, report, servers
from benchmarks.errors import BenchmarkError
from benchmarks.measurements import BARE, OURS, TEMPLATE, Arrays, Rate
from benchmarks.measuring import say
from benchmarks.servers import Environment, Program, Server, environment_in
from project.v2_client import SERVICE

SHAPES = {"image": [1, 3, 224, 224], "rows": [64, 30]}
_FEWEST = 5
"""Requests of a turn at least, whatever its time."""
ECHO = Path(__file__).parent / "echo"


@dataclass(frozen=True)
class Request:
    """One request, as the bytes that are sent."""

    way: str
    model: str
    body: bytes

    @contextmanager
    def sender(self, server: Server) -> Iterator[Callable[[], bytes]]:
        """A function that sends it and returns the answer, over one connection."""
        if self.way == "REST":
            connection = HTTPConnection("127.0.0.1", server.http_port, timeout=60)

            def post() -> bytes:
                headers = {"Content-Type": "application/json"}
                connection.request("POST", f"/v2/models/{self.model}/infer", self.body, headers)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200:
                    raise BenchmarkError(f"REST answered {answer.status}: {content[:200]!r}")
                return content

            yield post
            connection.close()
        else:
            with grpc.insecure_channel(server.address) as channel:
                rpc: Any = channel.unary_unary(f"/{SERVICE}/ModelInfer")
                yield lambda: bytes(rpc(self.body, timeout=60))


def requests(environment: Environment) -> list[Request]:
    """Every array in every way."""
    found = []
    for model, shape in SHAPES.items():
        count = 1
        for size in shape:
            count *= size
        # Fractions of seven digits, which most numbers of real arrays have as JSON.
        values = struct.unpack(f"<{count}f", struct.pack(f"<{count}f", *(index % 997 / 997 for index in range(count))))
        tensor: dict[str, Any] = {"name": "x", "datatype": "FP32", "shape": shape}
        typed = tensor | {"contents": {"fp32_contents": values}}
        raw = {"inputs": [tensor], "raw_input_contents": [struct.pack(f"<{count}f", *values)]}
        ways: dict[str, dict[str, Any]] = {"raw": raw, "typed": {"inputs": [typed]}}
        for way, fields in ways.items():
            message = environment.messages("ModelInferRequest", model_name=model, **fields)
            found.append(Request(way, model, message.SerializeToString()))
        body = json.dumps({"inputs": [tensor | {"data": [float(f"{value:.7g}") for value in values]}]}).encode()
        found.append(Request("REST", model, body))
    return found


def programs(protoset: Path) -> dict[str, Program]:
    """The servers, with the doubling model as the class of all models."""
    environment = {"MLSERVER_MODEL_IMPLEMENTATION": "echo_model.EchoModel"}
    ours, template = ({"echo_model.py": (ECHO / f"{name}.py").read_text()} for name in ("ours", "template"))
    return {
        OURS: Program(source=servers.RUNTIME, environment=environment, modules=ours),
        TEMPLATE: servers.template(environment=environment, modules=template),
        BARE: servers.bare(protoset),
    }


def measure(environment: Environment, *, rounds: int, seconds: float) -> Arrays:
    """Measure every request on each server in turn, in several rounds."""
    found: Arrays = {}
    with ExitStack() as stack:
        running = {}
        for name, program in programs(environment.protoset).items():
            say(f"starting: {name}, with arrays")
            running[name] = stack.enter_context(Server(environment, program, f"{name}-arrays"))
            running[name].wait_until_ready()
            for model in SHAPES:
                folder = environment.scratch / "arrays" / model
                folder.mkdir(parents=True, exist_ok=True)
                running[name].load_timed(model, folder)
        for request in requests(environment):
            able = {name: server for name, server in running.items() if name != BARE or request.way != "REST"}
            found[request.model, request.way] = _rounds(request, able, rounds, seconds)
    return found


def _rounds(request: Request, able: Mapping[str, Server], rounds: int, seconds: float) -> list[dict[str, Rate]]:
    names, results = [*able], []
    with ExitStack() as stack:
        send = {name: stack.enter_context(request.sender(server)) for name, server in able.items()}
        for name in names:
            _rate(able[name], send[name], seconds / 4)
        for number in range(rounds):
            order = names[number % len(names) :] + names[: number % len(names)]
            results.append({name: _rate(able[name], send[name], seconds) for name in order})
    rates = ", ".join(f"{name} {median(each[name].per_second for each in results):,.0f}" for name in names)
    say(f"{request.model}, {request.way}: {rates} requests/s")
    return results


def _rate(server: Server, send: Callable[[], bytes], seconds: float) -> Rate:
    count, started, cpu = 0, time.perf_counter(), server.cpu_seconds()
    while (spent := time.perf_counter() - started) < seconds or count < _FEWEST:
        send()
        count += 1
    return Rate(count / spent, count / max(server.cpu_seconds() - cpu, 0.01))


def table(rates: Arrays) -> str:
    """Requests per second, and ratios by time and by the server's CPU time, in Markdown."""

    def ratio(rounds: list[dict[str, Rate]], over: str, under: str, index: int) -> str:
        found = [each[over][index] / each[under][index] for each in rounds if over in each and under in each]
        return report.times(median(found)) if found else report.NOTHING

    rows = []
    for (model, way), rounds in rates.items():
        each = (
            f"{median(found):,.0f}"
            if (found := [one[name].per_second for one in rounds if name in one])
            else report.NOTHING
            for name in (OURS, TEMPLATE, BARE)
        )
        ratios = (ratio(rounds, *pair, index) for pair in ((OURS, TEMPLATE), (BARE, OURS)) for index in (0, 1))
        rows.append((f"FP32 {SHAPES[model]}", way, *each, *ratios))
    header = ("array", "contents", OURS, TEMPLATE, BARE)
    return report.table((*header, "ours ÷ template", "by CPU time", "bare ÷ ours", "by CPU time"), rows)


def main() -> None:
    """Measure and print."""
    measuring.begin()
    with tempfile.TemporaryDirectory() as scratch:
        print(f"\n{table(measure(environment_in(Path(scratch)), rounds=5, seconds=1))}")


if __name__ == "__main__":
    main()
