"""Checks requests against the declared inputs, and decodes them.

Numbers become numpy arrays in the declared datatype; of gRPC's raw contents they are views. BYTES become lists.
"""

import base64
import binascii
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from mlserver.errors import InferenceError
from mlserver.types import Datatype, InferenceRequest, Parameters, RequestInput, TensorData

from .arrays import array_of, cast
from .limits import ELEMENT_BYTES, HOW_TO_RAISE
from .messages import made
from .tensors import BASE64, TEXT, Sizes, Tensor, Values, check_shape, short, wrong_shape

_SIZES = range(2**63)  # sizes in the protocol are int64; JSON numbers may be larger
_ARRAYS = ("np", "pd")
"""Content types of MLServer's clients for arrays and data frames, whose numbers look like all others."""


def check_request(declared: Sequence[Tensor], request: InferenceRequest, most_bytes: int | None) -> None:
    """Check a request against the declared inputs, and put the decoded values into each input's data.

    Raises:
        InferenceError: An input is missing, unknown or duplicate, or has another datatype, shape, content type or
            number of elements, or an element that has another datatype; or the request is too large.
    """
    by_name = {tensor.name: tensor for tensor in declared}
    names = [given.name for given in request.inputs]
    required = [tensor.name for tensor in declared if not tensor.optional]
    if names != required and (len({*names}) < len(names) or not {*required} <= {*names} <= by_name.keys()):
        optional = [name for name in by_name if name not in required]
        expected = f"{_listed(required)} and optionally {_listed(optional)}" if optional else _listed(required)
        raise InferenceError(f"inputs: expected {expected}, got {_listed(names)}")
    if request.parameters:
        known = [tensor.content_type for tensor in declared]
        _check_content_type("request", request.parameters, [*known, *_ARRAYS], known)
    sizes: Sizes = {}
    total = 0
    for given in request.inputs:
        tensor, where = by_name[given.name], f'input "{given.name}"'
        flat = _flat_values(where, tensor, given, sizes)
        total += flat.nbytes if isinstance(flat, np.ndarray) else max(sum(map(len, flat)), ELEMENT_BYTES * len(flat))
        if most_bytes is not None and total > most_bytes:
            reason = f"expected at most {most_bytes} bytes in a request, got {total}; {HOW_TO_RAISE}"
            raise InferenceError(f"{where}: {reason}")
        values = flat
        if isinstance(flat, np.ndarray):
            values = flat.reshape(given.shape[: len(tensor.shape)])
            values.flags.writeable = False  # as views of raw contents are
        given.data = made(TensorData, root=values)


def named_sizes(declared: Sequence[Tensor], request: InferenceRequest) -> Sizes:
    """Sizes of the named dimensions in a checked request."""
    shapes = {tensor.name: tensor.shape for tensor in declared}
    return {
        dimension: (size, f'input "{given.name}"')
        for given in request.inputs
        for dimension, size in zip(shapes[given.name], given.shape, strict=False)
        if isinstance(dimension, str)
    }


def _flat_values(where: str, declared: Tensor, given: RequestInput, sizes: Sizes) -> Values:
    numbers = declared.datatype is not Datatype.BYTES
    also = _ARRAYS if numbers else (BASE64,) if declared.content_type is None else ()
    if given.parameters:
        _check_content_type(where, given.parameters, [declared.content_type, *also], [declared.content_type])
    # Over gRPC this is a str, despite the annotation.
    datatype = getattr(given.datatype, "value", given.datatype)
    if datatype != declared.datatype.value:
        raise InferenceError(f"{where}: expected datatype {declared.datatype.value}, got {short(datatype)}")
    _check_given_shape(where, declared.shape, given.shape, sizes)
    count = math.prod(given.shape)
    data = _flat(where, given)
    if len(data) != count:
        raise InferenceError(f"{where}: expected {count} elements for shape {given.shape}, got {len(data)}")
    try:
        if numbers:
            return cast(where, declared, data if isinstance(data, np.ndarray) else array_of(where, declared, data))
        if declared.content_type == TEXT:
            return _texts(where, data)
        encoded = BASE64 in (declared.content_type, given.parameters and given.parameters.content_type)
        return [_bytes(f"{where}: element {index}", each, encoded) for index, each in enumerate(data)]
    except ValueError as error:
        reason = str(error)
    raise InferenceError(reason)  # without a cause, which would put a payload into a log


def _check_given_shape(where: str, declared: Sequence[int | str], given: Sequence[int], sizes: Sizes) -> None:
    if any(size not in _SIZES for size in given):
        raise InferenceError(wrong_shape(where, declared, given, column=True))
    column = len(declared) == 1 and len(given) == 2 and given[1] == 1
    try:
        check_shape(where, declared, given[:1] if column else given, sizes, column=True)
    except ValueError as error:
        raise InferenceError(str(error)) from None


def _flat(where: str, given: RequestInput) -> Values:
    """Elements of an input, which JSON may nest according to the shape."""
    data: Values = given.data.root
    if isinstance(data, np.ndarray):
        return data
    if not isinstance(data, list):
        raise InferenceError(f"{where}: expected data to be a list, got {type(data).__name__}")
    for size in given.shape[1:]:
        if not data or {*map(type, data)} != {list}:
            break
        if {*map(len, data)} != {size}:
            other = next(len(row) for row in data if len(row) != size)
            raise InferenceError(f"{where}: expected rows of {size} for shape {given.shape}, got one of {other}")
        data = [*chain.from_iterable(data)]
    return data


def _texts(where: str, data: Any) -> list[str]:
    try:
        return [element if type(element) is str else element.decode() for element in data]
    except (AttributeError, UnicodeDecodeError):
        return [_text(f"{where}: element {index}", element) for index, element in enumerate(data)]


def _text(where: str, element: object) -> str:
    match element:
        case str():
            return element
        case bytes():
            try:
                return element.decode()
            except UnicodeDecodeError as error:
                place = f"{error.object[error.start]:#04x} at {error.start}"
            raise ValueError(f"{where}: expected UTF-8, got byte {place}")
        case _:
            raise ValueError(f"{where}: expected a string, got {type(element).__name__}")


def _bytes(where: str, element: object, encoded: bool) -> bytes:
    if not isinstance(element, str | bytes):
        raise ValueError(f"{where}: expected a string, got {type(element).__name__}")
    if not encoded:
        return element.encode() if isinstance(element, str) else element
    try:
        return base64.b64decode(element, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{where}: expected base64") from None


def _check_content_type(
    where: str, parameters: Parameters, allowed: Iterable[str | None], declared: Sequence[str | None]
) -> None:
    given = parameters.content_type
    if given is None or given in allowed:
        return
    expected = " or ".join(f'"{each}"' for each in declared if each)
    raise InferenceError(f"{where}: expected {f'content_type {expected} or none' if expected else 'no content_type'}, "
                         f'got "{short(given)}"')  # fmt: skip


def _listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    return short(", ".join(f'"{name}"' for name in names)) or "none"
