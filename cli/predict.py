"""Scores a sentence like any other client: with the V2 inference protocol, through ModelMesh's gRPC port.

With TLS, the mesh is verified by the stack's CA, and the stack's certificate serves as client certificate. Keys are
read when needed and never written.
"""

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import grpc
import numpy
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from cli.errors import CommandError
from cli.samples import sample
from cli.stack import Stack
from cli.unanswered import explanation

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class ServedModel:
    """A model that is served, as a client of the mesh sees it."""

    name: str
    client: Any

    def inputs(self) -> list[dict[str, Any]]:
        """Inputs that the model declares."""
        metadata = self.client.get_model_metadata(self.name, client_timeout=TIMEOUT_SECONDS)
        return [{"name": each.name, "datatype": each.datatype, "shape": [*each.shape]} for each in metadata.inputs]

    def sample(self, text: str) -> dict[str, Any]:
        """Request of one element for each input that the model declares."""
        return sample(self.inputs(), text)

    def answer(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Outputs of the model for a request; both are JSON of the V2 protocol."""
        answer = self.client.infer(self.name, tensors(request), client_timeout=TIMEOUT_SECONDS)
        return [
            {
                "name": output.name,
                "datatype": output.datatype,
                "shape": [*output.shape],
                "data": [_plain(value) for value in answer.as_numpy(output.name).flat],
            }
            for output in answer.get_response().outputs
        ]


def tensors(request: dict[str, Any]) -> list[InferInput]:
    """Inputs of a request of the V2 protocol, as the client sends them.

    Raises:
        ValueError: The data of a tensor does not fit its datatype and shape.
    """
    inputs = []
    for tensor in request["inputs"]:
        try:
            values = numpy.array(tensor["data"], dtype=triton_to_np_dtype(tensor["datatype"])).reshape(tensor["shape"])
        except (OverflowError, TypeError) as error:
            raise ValueError(str(error)) from None
        inputs.append(InferInput(tensor["name"], tensor["shape"], tensor["datatype"]))
        inputs[-1].set_data_from_numpy(values)
    return inputs


def predict(stack: Stack, text: str) -> dict[str, str | float]:
    """Outputs of the model for `text`, by name; for the example, compound in [-1, 1] and four more.

    The request has `text` for inputs of type BYTES, and 1 for others.
    """
    with served_model(stack) as model:
        outputs = model.answer(model.sample(text))
    return {output["name"]: _rounded(output["data"][0]) for output in outputs}


@contextmanager
def served_model(stack: Stack, name: str | None = None) -> Iterator[ServedModel]:
    """The model of that name, or of the stack's InferenceService, while the block runs.

    Raises:
        CommandError: The stack is not up, or the model does not answer.
    """
    outputs = stack.outputs()
    if "inferenceService" not in outputs:
        raise CommandError(f"stack {stack.name} is not up: make up STACK={stack.name}")
    service, _, namespace = str(urlsplit(outputs["grpcUrl"]).hostname).partition(".")
    with forwarded_port(stack, namespace, service) as port:
        client = InferenceServerClient(f"127.0.0.1:{port}", **_channel(stack, outputs, f"{service}.{namespace}"))
        model = ServedModel(name or outputs["inferenceService"], client)
        try:
            yield model
        except InferenceServerException as error:
            raise CommandError(explanation(error, stack, outputs, model)) from None
        finally:
            client.close()


def _plain(value: Any) -> str | float:
    """An element of an output as JSON has it; a number has the fewest digits that its datatype tells apart."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    number: int | float = value.item()
    return float(str(value)) if isinstance(number, float) else number


def _rounded(value: str | float) -> str | float:
    return round(value, 4) if isinstance(value, float) else value


def _channel(stack: Stack, outputs: dict[str, Any], name: str) -> dict[str, Any]:
    """Arguments for a client of the mesh on loopback; with TLS, the mesh's certificate has to be for `name`."""
    direct = ("grpc.enable_http_proxy", 0)
    if "tlsCa" not in outputs:
        return {"channel_args": [direct]}
    key, chain = (
        _certificate(stack, outputs["namespace"], outputs["tlsSecret"]) if "tlsSecret" in outputs else (None, None)
    )
    return {
        "creds": grpc.ssl_channel_credentials(outputs["tlsCa"].encode(), key, chain),
        "channel_args": [direct, ("grpc.ssl_target_name_override", name)],
    }


def _certificate(stack: Stack, namespace: str, secret: str) -> tuple[bytes, bytes]:
    """Private key and certificates in a TLS Secret."""
    command = stack.kubectl("get", "secret", secret, "--namespace", namespace, "--output=json")
    data = json.loads(stack.run(command, quiet=True))["data"]
    return base64.b64decode(data["tls.key"]), base64.b64decode(data["tls.crt"])


@contextmanager
def forwarded_port(stack: Stack, namespace: str, service: str) -> Iterator[str]:
    """Forward a local port to port 8033 of one ready pod of `service` while the block runs."""
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
