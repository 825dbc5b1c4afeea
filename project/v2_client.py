"""Client of the Open Inference Protocol (V2) over gRPC and REST, for a server on this machine.

The classes of the gRPC messages come from the server's Python environment, which is not this one: its descriptor is
read once, into a separate pool to avoid conflicts with other .proto files of the same name.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

SERVICE = "inference.GRPCInferenceService"
PRINT_DESCRIPTOR = "import sys, mlserver.grpc.dataplane_pb2 as p; sys.stdout.buffer.write(p.DESCRIPTOR.serialized_pb)"


class Messages:
    """The message classes of the gRPC service, by name."""

    def __init__(self, venv: Path) -> None:
        descriptor = subprocess.run([venv / "bin/python", "-c", PRINT_DESCRIPTOR], check=True, capture_output=True)
        self._pool = DescriptorPool()
        self._pool.AddSerializedFile(descriptor.stdout)

    def __call__(self, name: str, /, **fields: Any) -> Any:
        """Create the message `name`."""
        return self.of(name)(**fields)

    def of(self, name: str) -> Any:
        """Class of the message `name`."""
        return GetMessageClass(self._pool.FindMessageTypeByName(f"inference.{name}"))


class V2Client:
    """Client of one server, by its two ports."""

    def __init__(self, messages: Messages, grpc_port: int, http_port: int) -> None:
        self.message = messages
        self.http_port = http_port
        self.grpc_address = f"127.0.0.1:{grpc_port}"
        self._channel = grpc.insecure_channel(self.grpc_address)

    def call(self, method: str, /, **fields: Any) -> Any:
        """Call an RPC with a request of these fields.

        Raises:
            grpc.RpcError: The call failed.
        """
        return self.send(method, self.message(f"{method}Request", **fields))

    def send(self, method: str, request: Any, seconds: float = 30) -> Any:
        """Call an RPC with this request, like `call`."""
        return self._rpc(method)(request, timeout=seconds)

    def start(self, method: str, /, **fields: Any) -> Any:
        """Start an RPC and return its future."""
        return self._rpc(method).future(self.message(f"{method}Request", **fields), timeout=30)

    def stream(self, requests: Iterable[Any]) -> list[Any]:
        """Send requests over one stream and return the responses, like `call`."""
        rpc: Any = self._channel.stream_stream(
            f"/{SERVICE}/ModelStreamInfer",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.message.of("ModelInferResponse").FromString,
        )
        return list(rpc(iter(requests), timeout=30))

    def send_bytes(self, path: str, data: bytes) -> bytes:
        """Call any RPC with arbitrary bytes, like `call`."""
        rpc: Any = self._channel.unary_unary(path)
        answer: bytes = rpc(data, timeout=30)
        return answer

    def rest(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a GET, or a POST with a body (JSON, or bytes as they are); return status and parsed response."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return self.http("GET" if data is None else "POST", path, data)

    def http(
        self, method: str, path: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send any HTTP request, of type JSON unless headers are given; return status and parsed response."""
        connection = HTTPConnection("127.0.0.1", self.http_port, timeout=30)
        try:
            connection.request(method, path, data, {"Content-Type": "application/json"} if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or "null")
        finally:
            connection.close()

    def _rpc(self, method: str) -> Any:
        return self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.message.of(f"{method}Response").FromString,
        )

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
