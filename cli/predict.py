"""Scores a sentence the way any client would: the V2 inference protocol, through ModelMesh's gRPC port."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import numpy
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from cli.stack import CommandError, Stack

TIMEOUT_SECONDS = 30


def predict(stack: Stack, text: str) -> dict[str, str | float]:
    """Scores of `text`: compound in [-1, 1], pos, neu and neg in [0, 1], and the label.

    Raises:
        CommandError: the stack is not up, its port can't be reached, or the model refused the text.
    """
    outputs = stack.outputs()
    if "inferenceService" not in outputs:
        raise CommandError(f"stack {stack.name} is not up: make up STACK={stack.name}")
    tensor = InferInput("text", [1], "BYTES")
    tensor.set_data_from_numpy(numpy.array([text.encode()], dtype=object))
    service, _, namespace = str(urlsplit(outputs["grpcUrl"]).hostname).partition(".")
    with forwarded_port(stack, namespace, service) as port:
        client = InferenceServerClient(f"127.0.0.1:{port}")
        try:
            answer = client.infer(outputs["inferenceService"], [tensor], client_timeout=TIMEOUT_SECONDS)
        except InferenceServerException as error:
            raise CommandError(f"the model did not answer: {error.message()}; see `make status`") from None
        finally:
            client.close()
    scores = {name: round(float(answer.as_numpy(name)[0]), 4) for name in ("compound", "pos", "neu", "neg")}
    return {**scores, "label": answer.as_numpy("label")[0].decode()}


@contextmanager
def forwarded_port(stack: Stack, namespace: str, service: str) -> Iterator[str]:
    """A local port that leads to the port 8033 of one ready pod of `service`, as long as the block runs."""
    command = stack.kubectl("port-forward", "--namespace", namespace, f"service/{service}", ":8033")
    forward = subprocess.Popen(
        command, env=stack.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert forward.stdout
    assert forward.stderr
    try:
        found = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
        if not found:
            raise CommandError(f"port 8033 of {namespace}/{service} can't be reached: {forward.stderr.read().strip()}")
        yield found[1]
    finally:
        forward.terminate()
        forward.wait()
