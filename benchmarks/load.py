"""Load over gRPC by ghz, which is built once from its pinned Go module; the status of every response is checked."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from embedded.toolchain.build import Workshop
from embedded.toolchain.programs import Program
from project import cache_folder
from project.marked_folder import claim

MODULE = Path(__file__).parent / "ghz"
CALL = "inference.GRPCInferenceService/ModelInfer"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Results of one server under load."""

    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    per_cpu_second: float = 0
    """Requests per second of the server's CPU time, which other load on the machine changes little."""


def ghz() -> Path:
    """Path of the program, which is built in about a minute if it is not cached."""
    go, root = shutil.which("go"), cache_folder() / "benchmarks"
    if not go:
        raise BenchmarkError("Go is needed to build the load generator: install Go 1.26 or newer, and put it on PATH")
    claim(root, ours=(root / "store").is_dir())
    built = Workshop(root, Path(go), print, MODULE.parent).build(Program(module=MODULE.name, binaries=("ghz",)))
    shutil.rmtree(root / "go", ignore_errors=True)  # module and build caches
    return built / "ghz"


@dataclass(frozen=True)
class Generator:
    """The ghz program with the descriptor of the gRPC service."""

    program: Path
    protoset: Path

    def measure(self, address: str, request: Path, *, clients: int, seconds: float) -> Measured:
        """Send one request over and over from several clients, each as soon as it has its response.

        The clients share one connection, as ModelMesh's calls to a model server do. No new requests are sent after
        this number of seconds; those in progress are waited for.
        """
        finished = subprocess.run(
            [self.program, "--insecure", "--protoset", self.protoset, "--call", CALL, "--binary-file", request,
             "--concurrency", str(clients), "--duration", f"{seconds}s", "--duration-stop=wait", "--timeout=60s",
             "--format=json", address],
            capture_output=True, text=True, timeout=seconds + 120,
        )  # fmt: skip
        if finished.returncode:
            raise BenchmarkError(f"ghz failed: {finished.stderr or finished.stdout}")
        return parse(json.loads(finished.stdout))


def parse(report: Mapping[str, Any]) -> Measured:
    """Parse the JSON report of ghz, in which every response must be OK."""
    statuses: Mapping[str, int] = report.get("statusCodeDistribution") or {}
    if set(statuses) != {"OK"} or statuses["OK"] != report["count"]:
        raise BenchmarkError(
            f"not every request was answered with OK: {dict(statuses)}, {report.get('errorDistribution')}"
        )
    latencies = {each["percentage"]: each["latency"] / 1e6 for each in report["latencyDistribution"]}
    return Measured(
        requests=report["count"], requests_per_second=report["rps"], p50_ms=latencies[50], p99_ms=latencies[99]
    )  # fmt: skip
