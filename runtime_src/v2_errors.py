"""Turns requests that MLServer cannot even parse into errors of the Open Inference Protocol (V2).

It owns the two places where MLServer 1.7.1 answers before a model sees the request, and has no setting for:

- gRPC: contents that do not unpack end as INTERNAL with the text of a Python exception ("list index out of range").
  Here they are INVALID_ARGUMENT and name the tensor.
- REST: a body that does not fit the schema gets FastAPI's `{"detail": [...]}` with 422. The protocol wants
  `{"error": "..."}`; here it is that, with 400.

What a model itself refuses needs nothing of this: MLServer maps its InferenceError to INVALID_ARGUMENT and 400.
"""

import struct
from typing import Any

import mlserver.grpc.servicers as grpc_servicers
import mlserver.rest.errors as rest_errors
from fastapi import Request, status
from fastapi.exceptions import RequestValidationError
from mlserver.errors import InferenceError
from mlserver.grpc.converters import ModelInferRequestConverter
from mlserver.grpc.dataplane_pb2 import ModelInferRequest
from mlserver.raw import unpack
from mlserver.rest.responses import Response
from mlserver.types import InferenceRequest


def install() -> None:
    """Put both in place. Has to run before MLServer makes its REST application; twice does no harm."""
    servicers: Any = grpc_servicers
    servicers.ModelInferRequestConverter = StrictConverter
    handlers: Any = rest_errors._EXCEPTION_HANDLERS
    handlers[RequestValidationError] = answer_invalid_body


class StrictConverter(ModelInferRequestConverter):
    """MLServer's converter, with its failures named. Costs a good request nothing but two comparisons."""

    @classmethod
    def to_types(cls, pb_object: ModelInferRequest) -> InferenceRequest:
        """Convert a request.

        Raises:
            InferenceError: it cannot be converted; names the tensor where there is one.
        """
        raw = pb_object.raw_input_contents
        if raw and len(raw) != len(pb_object.inputs):
            raise InferenceError(
                f"raw_input_contents: expected one for each of {len(pb_object.inputs)} inputs, got {len(raw)}"
            )
        if raw:
            for tensor in pb_object.inputs:
                if tensor.HasField("contents"):
                    raise InferenceError(f'input "{tensor.name}": expected contents typed or raw, got both')
        try:
            return super().to_types(pb_object)
        except Exception as error:
            raise InferenceError(_reason(pb_object, error)) from error


def _reason(request: ModelInferRequest, error: Exception) -> str:
    for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=False):
        try:
            unpack(tensor, raw)
        except (struct.error, ValueError):
            return (
                f'input "{tensor.name}": expected {tensor.datatype} {list(tensor.shape)} in raw_input_contents, '
                f"got {len(raw)} bytes that do not unpack"
            )
    return f"request: {error}"


async def answer_invalid_body(_: Request, error: RequestValidationError) -> Response:
    """Answer 400 with the first problem of a body, the tensor by its name where that can be told."""
    problem = error.errors()[0]
    where, what = _location(list(problem["loc"])[1:], error.body), str(problem["msg"])
    got = problem.get("input")
    # Only scalars are repeated: a payload has no place in an error.
    suffix = f", got {got!r}" if isinstance(got, str | int | float | bool) and len(str(got)) <= 60 else ""
    return Response(status_code=status.HTTP_400_BAD_REQUEST, content={"error": f"{where}: {what}{suffix}"})


def _location(path: list[Any], body: Any) -> str:
    match path:
        case ["inputs" | "outputs" as kind, int(index), *rest]:
            try:
                name = f'"{body[kind][index]["name"]}"'
            except (KeyError, IndexError, TypeError):
                name = str(index)
            return " ".join([kind.removesuffix("s"), name, *map(str, rest)])
        case _:
            return " ".join(["request", *map(str, path)])
