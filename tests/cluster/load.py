"""Steady requests through ModelMesh's port, as a client in the cluster makes them; a program, not a test.

It runs inside the node's network namespace, so the mesh's headless Service is resolved by cluster DNS and every pod is
reached at its own address. Each request that does not answer counts as failed: nothing is retried here.

    python load.py <DNS server> <service host:port> <model> <stop file> [<folder>]

With a folder, the requests use TLS with the `ca.crt`, `tls.crt` and `tls.key` that were in it at the start.

It ends when the stop file appears, or after five minutes, and prints one JSON line: requests, failures (the first ten,
with their status) and how many answers came from which concrete model.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

import grpc
import numpy
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

REQUESTS_PER_SECOND = 50
LONGEST_SECONDS = 300
REQUEST_TIMEOUT_SECONDS = 15


async def main(dns_server: str, service: str, model: str, stop: Path, tls: Path | None = None) -> None:
    """Send requests until told to stop, then print what came of them."""
    held = [(tls / name).read_bytes() for name in ("ca.crt", "tls.key", "tls.crt")] if tls else []
    client = InferenceServerClient(
        f"dns://{dns_server}/{service}",
        creds=grpc.ssl_channel_credentials(*held) if held else None,
        channel_args=[
            ("grpc.lb_policy_name", "round_robin"),
            # A pod that goes is looked up anew at once, not after the default half minute.
            ("grpc.dns_min_time_between_resolutions_ms", 500),
            ("grpc.max_reconnect_backoff_ms", 500),
        ],
    )
    tensor = InferInput("text", [1], "BYTES")
    tensor.set_data_from_numpy(numpy.array([b"a steady trickle of good requests"], dtype=object))
    answers: Counter[str] = Counter()
    failures: list[str] = []

    async def ask() -> None:
        try:
            answer = await client.infer(model, [tensor], client_timeout=REQUEST_TIMEOUT_SECONDS)
            answers[answer.get_response().model_name] += 1
        except InferenceServerException as error:
            failures.append(f"{time.strftime('%T')} {error.status()}: {error.message()}")

    end = time.monotonic() + LONGEST_SECONDS
    running: set[asyncio.Task[None]] = set()
    while not stop.exists() and time.monotonic() < end:
        task = asyncio.create_task(ask())
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.sleep(1 / REQUESTS_PER_SECOND)
    await asyncio.gather(*running)
    await client.close()
    requests = sum(answers.values()) + len(failures)
    print(json.dumps({"requests": requests, "failed": len(failures), "failures": failures[:10], "models": answers}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], *map(Path, sys.argv[4:])))
