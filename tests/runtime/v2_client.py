"""A client of the Open Inference Protocol (V2), over gRPC and REST, for a server that runs on this machine.

The gRPC messages are the server's own: its package is not in the tests' environment, so its descriptor is asked for
once and put into a pool of its own, where no other .proto file of the same name is in the way.
"""

import json
import subprocess
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
        """Make the message `name`."""
        return self.of(name)(**fields)

    def of(self, name: str) -> Any:
        """Return the class of the message `name`."""
        return GetMessageClass(self._pool.FindMessageTypeByName(f"inference.{name}"))


class V2Client:
    """One server, by its two ports."""

    def __init__(self, messages: Messages, grpc_port: int, http_port: int) -> None:
        self.message = messages
        self._http_port = http_port
        self.grpc_address = f"127.0.0.1:{grpc_port}"
        self._channel = grpc.insecure_channel(self.grpc_address)

    def call(self, method: str, /, **fields: Any) -> Any:
        """Call an RPC with a request of these fields; raises grpc.RpcError."""
        return self.send(method, self.message(f"{method}Request", **fields))

    def send(self, method: str, request: Any, seconds: float = 30) -> Any:
        """Call an RPC with this request; raises grpc.RpcError."""
        rpc: Any = self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.message.of(f"{method}Response").FromString,
        )
        return rpc(request, timeout=seconds)

    def rest(self, path: str, body: Any = None) -> tuple[int, Any]:
        """GET, or POST with a body (JSON, or bytes as they are): status and parsed answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = HTTPConnection("127.0.0.1", self._http_port, timeout=30)
        try:
            connection.request("GET" if data is None else "POST", path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or "null")
        finally:
            connection.close()

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
