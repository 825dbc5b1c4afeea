"""Client of the Open Inference Protocol (V2) over gRPC and REST, which can also send what no good client would."""

import json
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection
from typing import Any

from project.v2_client import SERVICE, GrpcClient, Messages


class V2Client(GrpcClient):
    """Client of one server, by its two ports."""

    def __init__(self, messages: Messages, grpc_port: int, http_port: int) -> None:
        super().__init__(messages, grpc_port)
        self.grpc_address, self.http_port = f"127.0.0.1:{grpc_port}", http_port

    def start(self, method: str, /, **fields: Any) -> Any:
        """Start an RPC and return its future."""
        return self.rpc(method).future(self.message(f"{method}Request", **fields), timeout=30)

    def stream(self, requests: Iterable[Any]) -> list[Any]:
        """Send requests over one stream and return the responses, like `call`."""
        rpc: Any = self.channel.stream_stream(
            f"/{SERVICE}/ModelStreamInfer",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.message.of("ModelInferResponse").FromString,
        )
        return list(rpc(iter(requests), timeout=30))

    def send_bytes(self, path: str, data: bytes) -> bytes:
        """Call any RPC with arbitrary bytes, like `call`."""
        rpc: Any = self.channel.unary_unary(path)
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
