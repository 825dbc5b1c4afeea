"""Converts gRPC messages of the V2 protocol to MLServer's types and back: strictly, and without validating twice.

It replaces MLServer 1.7.1's converters, which validate every output with pydantic, encode parameters that nobody reads,
and fail with INTERNAL and the text of a Python exception if contents are malformed. Requests are not checked against
the model's declared tensors here; the model does that.
"""

import struct
from collections.abc import Sequence
from typing import Any

from mlserver.errors import InferenceError
from mlserver.grpc.converters import ModelInferRequestConverter, ModelInferResponseConverter, ParametersConverter
from mlserver.grpc.dataplane_pb2 import ModelInferRequest, ModelInferResponse
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    Parameters,
    RequestInput,
    RequestOutput,
    TensorData,
)

from .tensors import short

# Datatype → field of typed contents, and code of one element in raw contents (little-endian).
_TYPES = {
    "BOOL": ("bool_contents", "?"),
    "UINT8": ("uint_contents", "B"),
    "UINT16": ("uint_contents", "H"),
    "UINT32": ("uint_contents", "I"),
    "UINT64": ("uint64_contents", "Q"),
    "INT8": ("int_contents", "b"),
    "INT16": ("int_contents", "h"),
    "INT32": ("int_contents", "i"),
    "INT64": ("int64_contents", "q"),
    "FP16": ("", "e"),  # the protocol has no typed contents for FP16
    "FP32": ("fp32_contents", "f"),
    "FP64": ("fp64_contents", "d"),
    "BYTES": ("bytes_contents", ""),
}
_LENGTH = struct.Struct("<I")
# Limits inputs and requested outputs: an empty one is two bytes in a message but about 1,000 in memory.
_MOST_TENSORS = 1024


class RequestConverter(ModelInferRequestConverter):
    """Converter from a message to a request."""

    @classmethod
    def to_types(cls, pb_object: ModelInferRequest) -> InferenceRequest:
        """Convert a request.

        Raises:
            InferenceError: Its contents contradict their description; the message names the tensor.
        """
        for kind, tensors in (("inputs", pb_object.inputs), ("outputs", pb_object.outputs)):
            if len(tensors) > _MOST_TENSORS:
                raise InferenceError(f"{kind}: expected at most {_MOST_TENSORS}, got {len(tensors)}")
        raw = pb_object.raw_input_contents
        if raw and len(raw) != len(pb_object.inputs):
            raise InferenceError(
                f"raw_input_contents: expected one for each of {len(pb_object.inputs)} inputs, got {len(raw)}"
            )
        request = InferenceRequest.model_construct(
            id=pb_object.id,
            parameters=_parameters("request", pb_object.parameters),
            inputs=[_input(tensor, raw[index] if raw else None) for index, tensor in enumerate(pb_object.inputs)],
        )
        if pb_object.outputs:
            request.outputs = [RequestOutput.model_construct(name=output.name) for output in pb_object.outputs]
        return request


class ResponseConverter(ModelInferResponseConverter):
    """Converter from a response to a message."""

    @classmethod
    def from_types(cls, type_object: InferenceResponse, use_raw: bool = False) -> ModelInferResponse:
        """Convert a response; clients that send raw contents get raw contents, as with Triton."""
        message = ModelInferResponse(
            model_name=type_object.model_name,
            model_version=type_object.model_version or "",
            id=type_object.id or "",
        )
        _merge(message.parameters, type_object.parameters)
        for output in type_object.outputs:
            datatype = str(getattr(output.datatype, "value", output.datatype))
            tensor = message.outputs.add(name=output.name, datatype=datatype, shape=output.shape)
            _merge(tensor.parameters, output.parameters)
            field, code = _TYPES[datatype]
            if not field and not use_raw:
                return cls.from_types(type_object, use_raw=True)  # either all outputs are raw, or none
            if use_raw:
                message.raw_output_contents.append(_packed(code, output.data.root))
            else:
                getattr(tensor.contents, field).extend(output.data.root)
        return message


def _input(tensor: Any, raw: bytes | None) -> RequestInput:
    where = f'input "{short(tensor.name)}"'
    typed = tensor.contents.ListFields()
    if raw is None:
        data = _typed(where, tensor.datatype, typed)
    elif typed:
        raise InferenceError(f"{where}: expected contents typed or raw, got both")
    else:
        data = _unpacked(where, tensor, raw)
    return RequestInput.model_construct(
        name=tensor.name,
        shape=[*tensor.shape],
        datatype=tensor.datatype,
        parameters=_parameters(where, tensor.parameters),
        data=TensorData(data),
    )


def _typed(where: str, datatype: str, fields: Sequence[tuple[Any, Any]]) -> list[Any]:
    if not fields:
        return []
    if len(fields) > 1:
        names = ", ".join(field.name for field, _ in fields)
        raise InferenceError(f"{where}: expected contents of one kind, got {names}")
    field, values = fields[0]
    # The model reports unknown datatypes, since it has the expected one.
    expected = _TYPES.get(datatype, (field.name,))[0]
    if field.name != expected:
        raise InferenceError(f"{where}: expected {expected or 'raw contents'} for {datatype}, got {field.name}")
    return [*values]


def _unpacked(where: str, tensor: Any, raw: bytes) -> list[Any]:
    def refused() -> InferenceError:
        expected = f"{short(tensor.datatype)} {short([*tensor.shape])} in raw_input_contents"
        return InferenceError(f"{where}: expected {expected}, got {len(raw)} bytes that do not match")

    if tensor.datatype not in _TYPES:
        raise refused()
    _, code = _TYPES[tensor.datatype]
    if code:
        # The model compares this with the shape, which may be arbitrarily large.
        count, rest = divmod(len(raw), struct.calcsize(f"<{code}"))
        if rest:
            raise refused()
        return [*struct.unpack(f"<{count}{code}", raw)]
    elements, start = [], 0
    while start < len(raw):
        body = start + _LENGTH.size
        if body > len(raw):
            raise refused()
        start = body + _LENGTH.unpack_from(raw, body - _LENGTH.size)[0]
        if start > len(raw):
            raise refused()
        elements.append(raw[body:start])
    return elements


def _packed(code: str, values: Sequence[Any]) -> bytes:
    if code:
        return struct.pack(f"<{len(values)}{code}", *values)
    return b"".join(part for value in values for part in (_LENGTH.pack(len(value)), value))


def _parameters(where: str, given: Any) -> Parameters | None:
    try:
        parameters: Parameters | None = ParametersConverter.to_types(given)
    except ValueError as error:
        raise InferenceError(f"{where}: parameters that the protocol does not have") from error
    return parameters


def _merge(into: Any, parameters: Parameters | None) -> None:
    for key in parameters.model_fields_set if parameters else ():
        match getattr(parameters, key):
            case bool(value):
                into[key].bool_param = value
            case int(value):
                into[key].int64_param = value
            case str(value):
                into[key].string_param = value
