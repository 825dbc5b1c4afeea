"""Converts messages of the V2 protocol, over gRPC and REST, to MLServer's types and back: strictly, and as arrays.

It replaces MLServer 1.7.1's converters, which make a list of every number, validate every output with pydantic, drop
parameters that are fractions, and fail with INTERNAL and the text of a Python exception if contents are malformed.
Requests are not checked against the model's declared tensors here; the model does that.

Numbers are numpy arrays. Raw contents are used as they are, and typed contents of floats and booleans too: on the wire
they are the array's bytes after a header. Only integers are converted one by one: their lengths on the wire vary.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from google.protobuf.internal import encoder
from mlserver.errors import InferenceError, MLServerError
from mlserver.grpc.converters import ModelInferRequestConverter, ModelInferResponseConverter
from mlserver.grpc.dataplane_pb2 import InferTensorContents, ModelInferRequest, ModelInferResponse
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    Parameters,
    RequestInput,
    RequestOutput,
    ResponseOutput,
    TensorData,
)

from .limits import MOST_DIMENSIONS, MOST_TENSORS
from .messages import made
from .tensors import DTYPES, Values, short

_FIELDS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "UINT64": "uint64_contents",
    "INT64": "int64_contents",
    "FP16": "",  # the protocol has no typed contents for FP16
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Datatype → field of typed contents."""
_FIXED = {
    name: (InferTensorContents.DESCRIPTOR.fields_by_name[name].number << 3 | 2, dtype)
    for name, dtype in {"bool_contents": "?", "fp32_contents": "<f4", "fp64_contents": "<f8"}.items()
}
"""Field whose elements all have the same length on the wire → its tag, and the datatype of that."""
_WIDE = {"int_contents": "i4", "int64_contents": "i8", "uint_contents": "u4", "uint64_contents": "u8"}
_LENGTH = struct.Struct("<I")
_FEW = 16
"""Numbers that are converted one by one in less time than it takes to put an array into a message."""
_varint: Any = encoder._VarintBytes
_DOUBLE = b"\x21"
"""Tag of the parameters' `double_param`, which MLServer's definition of the message does not have."""


class RequestConverter(ModelInferRequestConverter):
    """Converter from a message to a request."""

    @classmethod
    def to_types(cls, pb_object: ModelInferRequest) -> InferenceRequest:
        """Convert a request.

        Raises:
            InferenceError: Its contents contradict their description; the message names the tensor.
        """
        described: list[Any] = [pb_object, *pb_object.inputs]
        if (count := sum(len(each.parameters) for each in described)) > MOST_TENSORS:
            raise InferenceError(f"parameters: expected at most {MOST_TENSORS} in a request, got {count}")
        raw = pb_object.raw_input_contents
        if raw and len(raw) != len(pb_object.inputs):
            raise InferenceError(
                f"raw_input_contents: expected one for each of {len(pb_object.inputs)} inputs, got {len(raw)}"
            )
        return made(
            InferenceRequest,
            id=pb_object.id,
            parameters=_parameters("request", pb_object.parameters),
            inputs=[_input(tensor, raw[index] if raw else None) for index, tensor in enumerate(pb_object.inputs)],
            outputs=[made(RequestOutput, name=output.name, parameters=None) for output in pb_object.outputs] or None,
        )


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
        if type_object.parameters:
            _merge(message.parameters, type_object.parameters)
        for output in type_object.outputs:
            datatype = _name(output)
            tensor = message.outputs.add(name=output.name, datatype=datatype, shape=output.shape)
            if output.parameters:
                _merge(tensor.parameters, output.parameters)
            field, values = _FIELDS[datatype], output.data.root
            if not field and not use_raw:
                return cls.from_types(type_object, use_raw=True)  # either all outputs are raw, or none
            if use_raw:
                message.raw_output_contents.append(packed(output))
            elif type(values) is list:
                getattr(tensor.contents, field).extend(values)
            elif field in _FIXED and len(values) > _FEW:
                data = packed(output)
                tag, _ = _FIXED[field]
                contents: Any = tensor.contents
                contents.MergeFromString(bytes([tag]) + _varint(len(data)) + data)
            else:
                getattr(tensor.contents, field).extend(values.tolist() if isinstance(values, np.ndarray) else values)
        return message


def unpacked(where: str, datatype: str, shape: Sequence[int], raw: bytes) -> Values:
    """Elements of raw contents; an array is a view of them.

    Raises:
        InferenceError: They are no elements of the datatype.
    """

    def refused() -> InferenceError:
        expected = f"{short(datatype)} {short([*shape])} in raw_input_contents"
        return InferenceError(f"{where}: expected {expected}, got {len(raw)} bytes that do not match")

    if dtype := DTYPES.get(datatype):
        # The model compares the number of elements with the shape, which may be arbitrarily large.
        if len(raw) % dtype.itemsize:
            raise refused()
        return np.frombuffer(raw, np.uint8) != 0 if dtype == np.bool_ else np.frombuffer(raw, dtype)
    if datatype != "BYTES":
        raise refused()
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


def packed(output: ResponseOutput) -> bytes:
    """Raw contents of an output."""
    values = output.data.root
    if dtype := DTYPES.get(_name(output)):
        return np.asarray(values, dtype).tobytes()
    return b"".join(part for value in values for part in (_LENGTH.pack(len(value)), value))


def as_json(response: InferenceResponse, binary: Mapping[str, bytes] | None = None) -> bytes:
    """A response over REST; outputs in `binary` follow it, and only have their size in it."""
    outputs = []
    for output in response.outputs:
        entry: dict[str, Any] = {"name": output.name, "shape": output.shape, "datatype": _name(output)}
        parameters = _dumped(output.parameters)
        if binary and output.name in binary:
            parameters["binary_data_size"] = len(binary[output.name])
        else:
            values, dtype = output.data.root, DTYPES.get(entry["datatype"])
            # The digits of an FP32 are fewer than those of Python's floats.
            entry["data"] = np.asarray(values, dtype) if dtype and isinstance(values, list) else values
        outputs.append(entry | ({"parameters": parameters} if parameters else {}))
    head: dict[str, Any] = {
        "model_name": response.model_name,
        "model_version": response.model_version,
        "id": response.id,
    }
    head |= {"parameters": _dumped(response.parameters) or None}
    content = {key: value for key, value in head.items() if value is not None} | {"outputs": outputs}
    try:
        return orjson.dumps(content, default=_as_text, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:
        reason = "outputs: expected UTF-8 in a JSON response, got other bytes; declare content_type base64"
    raise MLServerError(f"Model {response.model_name} failed: {reason}")


def _as_text(value: Any) -> Any:
    if isinstance(value, np.ndarray):  # of strings or objects, from a plain MLModel
        return value.tolist()
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError


def _dumped(parameters: Parameters | None) -> dict[str, Any]:
    given = {name: getattr(parameters, name) for name in parameters.model_fields_set} if parameters else {}
    return {name: value for name, value in given.items() if value is not None}


def _name(output: ResponseOutput) -> str:
    return str(getattr(output.datatype, "value", output.datatype))


def _input(tensor: Any, raw: bytes | None) -> RequestInput:
    where = f'input "{short(tensor.name)}"'
    if len(tensor.shape) > MOST_DIMENSIONS:
        raise InferenceError(f"{where}: expected at most {MOST_DIMENSIONS} dimensions, got {len(tensor.shape)}")
    typed = tensor.contents.ListFields()
    if raw is None:
        data = _typed(where, tensor, typed)
    elif typed:
        raise InferenceError(f"{where}: expected contents typed or raw, got both")
    else:
        data = unpacked(where, tensor.datatype, tensor.shape, raw)
    return made(
        RequestInput,
        name=tensor.name,
        shape=[*tensor.shape],
        datatype=tensor.datatype,
        parameters=_parameters(where, tensor.parameters),
        data=made(TensorData, root=data),
    )


def _typed(where: str, tensor: Any, fields: Sequence[tuple[Any, Any]]) -> Values:
    if not fields:
        dtype = DTYPES.get(tensor.datatype)
        return np.empty(0, dtype) if dtype else []
    if len(fields) > 1:
        names = ", ".join(field.name for field, _ in fields)
        raise InferenceError(f"{where}: expected contents of one kind, got {names}")
    field, values = fields[0]
    # The model reports unknown datatypes, since it has the expected one.
    expected = _FIELDS.get(tensor.datatype, field.name)
    if field.name != expected:
        raise InferenceError(f"{where}: expected {expected or 'raw contents'} for {tensor.datatype}, got {field.name}")
    if field.name in _FIXED:
        dtype = np.dtype(_FIXED[field.name][1])
        tensor.contents.DiscardUnknownFields()  # which would follow the values
        message = tensor.contents.SerializeToString()
        return np.frombuffer(message, dtype, offset=len(message) - len(values) * dtype.itemsize)
    if field.name in _WIDE:
        return np.fromiter(values, _WIDE[field.name], len(values))
    return [*values]


def _parameters(where: str, given: Any) -> Parameters | None:
    if not given:
        return None
    try:
        return Parameters(**{key: _value(parameter) for key, parameter in given.items()})
    except ValueError as error:
        raise InferenceError(f"{where}: parameters that the protocol does not have") from error


def _value(parameter: Any) -> Any:
    if known := parameter.ListFields():
        return known[0][1]
    unknown = parameter.SerializeToString()
    return struct.unpack("<d", unknown[1:9])[0] if unknown[:1] == _DOUBLE and len(unknown) == 9 else None


def _merge(into: Any, parameters: Parameters) -> None:
    for key in parameters.model_fields_set:
        match getattr(parameters, key):
            case bool(value):
                into[key].bool_param = value
            case int(value):
                into[key].int64_param = value
            case float(value):
                into[key].MergeFromString(_DOUBLE + struct.pack("<d", value))
            case str(value):
                into[key].string_param = value
