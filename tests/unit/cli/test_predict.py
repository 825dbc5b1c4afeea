"""Where the mesh speaks TLS, sentences go to nobody but the stack's own, with a certificate where it asks for one."""

import base64
import json
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import numpy
import pytest
from tritonclient.grpc import service_pb2

from cli import predict as module
from cli.errors import CommandError
from cli.predict import predict
from cli.stack import Stack
from tests.certificates import issued
from tests.unit.cli.conftest import Programs

NAMES = ["modelmesh-serving.models"]
OUTPUTS = {
    "inferenceService": "mine",
    "namespace": "models",
    "grpcUrl": "grpc://modelmesh-serving.models:8033",
}


@contextmanager
def served(credentials: grpc.ServerCredentials | None) -> Iterator[str]:
    """A server of one model; its port."""
    server = grpc.server(ThreadPoolExecutor(1))

    def declare(request: Any, _: Any) -> Any:
        answer = service_pb2.ModelMetadataResponse(name=request.name)
        answer.inputs.add(name="sentence", datatype="BYTES", shape=[-1])
        answer.inputs.add(name="weights", datatype="FP32", shape=[-1, 2])
        return answer

    def infer(request: Any, _: Any) -> Any:
        assert request.model_name == "mine"
        assert [(each.name, each.datatype, list(each.shape)) for each in request.inputs] == [
            ("sentence", "BYTES", [1]),
            ("weights", "FP32", [1, 2]),
        ]
        assert list(request.raw_input_contents) == [struct.pack("<I", 1) + b"x", struct.pack("<2f", 1, 1)]
        answer = service_pb2.ModelInferResponse(model_name="mine")
        for name in ("compound", "pos", "neu", "neg"):
            answer.outputs.add(name=name, datatype="FP64", shape=[1])
            answer.raw_output_contents.append(struct.pack("<d", 0.25))
        answer.outputs.add(name="label", datatype="BYTES", shape=[1])
        answer.raw_output_contents.append(struct.pack("<I", len(b"positive")) + b"positive")
        return answer

    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            method,
            request_deserializer=getattr(service_pb2, f"{name}Request").FromString,
            response_serializer=getattr(service_pb2, f"{name}Response").SerializeToString,
        )
        for name, method in {"ModelInfer": infer, "ModelMetadata": declare}.items()
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)])
    port = (
        server.add_secure_port("127.0.0.1:0", credentials) if credentials else server.add_insecure_port("127.0.0.1:0")
    )
    server.start()
    try:
        yield str(port)
    finally:
        server.stop(None)


@pytest.fixture
def stack(programs: Programs, prod: Callable[[], Stack], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stack]:
    """Opens the stack with these outputs, its mesh at that port, and that Secret in its cluster."""

    def opened(port: str, outputs: dict[str, str], secret: dict[str, str] | None = None) -> Stack:
        @contextmanager
        def forwarded(_: Stack, namespace: str, service: str) -> Iterator[str]:
            assert (namespace, service) == ("models", "modelmesh-serving")
            yield port

        monkeypatch.setattr(module, "forwarded_port", forwarded)
        monkeypatch.setattr(module, "TIMEOUT_SECONDS", 5)
        found = json.dumps(OUTPUTS | outputs).replace("\\n", "\\\\n")
        programs.add("pulumi", f"echo '{found}'")
        data = {key: base64.b64encode(value.encode()).decode() for key, value in (secret or {}).items()}
        programs.add("kubectl", f"printf '%s' '{json.dumps({'data': data})}'")
        return prod()

    return opened


def server_credentials(pem: dict[str, str], *, clients: bool) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials(
        [(pem["tls.key"].encode(), pem["tls.crt"].encode())],
        root_certificates=pem["ca.crt"].encode() if clients else None,
        require_client_auth=clients,
    )


def test_a_mesh_without_tls_is_asked_without(stack: Callable[..., Stack], programs: Programs) -> None:
    with served(None) as port:
        assert predict(stack(port, {}), "x")["label"] == "positive"
    assert not programs.calls("kubectl")


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy"])
@pytest.mark.parametrize("tls", [False, True])
def test_the_forwarded_port_is_reached_without_a_proxy(
    stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch, variable: str, tls: bool
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nothing listens there
    pem = issued(*NAMES)
    with served(server_credentials(pem, clients=False) if tls else None) as port:
        assert predict(stack(port, {"tlsCa": pem["ca.crt"]} if tls else {}), "x")["label"] == "positive"


def test_a_mesh_that_asks_for_a_certificate_gets_the_stack_s(stack: Callable[..., Stack], programs: Programs) -> None:
    pem = issued(*NAMES)
    with served(server_credentials(pem, clients=True)) as port:
        scores = predict(stack(port, {"tlsCa": pem["ca.crt"], "tlsSecret": "its-tls"}, pem), "x")
        assert scores["compound"] == 0.25
        assert "get secret its-tls --namespace models --output=json" in programs.calls("kubectl")[0]
        with pytest.raises(CommandError, match="the model did not answer"):
            predict(stack(port, {"tlsCa": pem["ca.crt"]}), "x")


@pytest.mark.parametrize(("names", "own_ca"), [(["another.models"], True), (NAMES, False)])
def test_nobody_else_is_sent_a_sentence(stack: Callable[..., Stack], names: list[str], own_ca: bool) -> None:
    pem, other = issued(*names), issued(*NAMES)
    ca = pem["ca.crt"] if own_ca else other["ca.crt"]
    with (
        served(server_credentials(pem, clients=False)) as port,
        pytest.raises(CommandError, match="the model did not answer"),
    ):
        predict(stack(port, {"tlsCa": ca}), "x")


@pytest.mark.parametrize(
    ("values", "first"),
    [([b"caf\xe9"], "caf\ufffd"), ([True], True), ([[7, 8]], 7), ([0.123456], 0.1235)],
    ids=["no UTF-8", "a truth", "a whole number", "a fraction"],
)
def test_an_output_of_any_datatype_is_shown(values: list[Any], first: Any) -> None:
    array = numpy.array(values, dtype=object if isinstance(values[0], bytes) else None)
    shown = module._rounded(module._plain(array.flat[0]))
    assert (shown, type(shown)) == (first, type(first))


def test_a_stack_that_is_not_up_has_no_model(programs: Programs, prod: Callable[[], Stack]) -> None:
    programs.add("pulumi", "echo '{}'")
    with pytest.raises(CommandError, match="stack prod is not up: make up STACK=prod"):
        predict(prod(), "x")
