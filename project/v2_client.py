"""Client of the Open Inference Protocol (V2) over gRPC, for a server on this machine.

The classes of the gRPC messages come from the server's Python environment, which is not this one: its descriptor is
read once, into a separate pool to avoid conflicts with other .proto files of the same name.
"""

import subprocess
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


class GrpcClient:
    """Client of the server at a port."""

    def __init__(self, messages: Messages, port: int) -> None:
        self.message = messages
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def call(self, method: str, /, **fields: Any) -> Any:
        """Call an RPC with a request of these fields.

        Raises:
            grpc.RpcError: The call failed.
        """
        return self.send(method, self.message(f"{method}Request", **fields))

    def send(self, method: str, request: Any, seconds: float = 30) -> Any:
        """Call an RPC with this request, like `call`."""
        return self.rpc(method)(request, timeout=seconds)

    def rpc(self, method: str) -> Any:
        """The RPC, which takes a request and a timeout."""
        return self.channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.message.of(f"{method}Response").FromString,
        )
