"""Checks what a model's code returns against the declared outputs, and encodes it."""

import base64
import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from mlserver.types import Datatype, ResponseOutput, TensorData

from .arrays import array_of, cast
from .messages import made
from .tensors import BASE64, Sizes, Tensor, Values, check_shape

_FEW = 16
"""Numbers that are checked one by one in less time than it takes to make an array."""


def output_of(tensor: Tensor, value: Any, shape: Sequence[int] | None, sizes: Sizes) -> ResponseOutput:
    """Output of a tensor from what a model's code returned: an array, a list or nested rows.

    With a shape, the elements may also be flat.

    Raises:
        ValueError: It does not fit the declaration.
    """
    where = f'output "{tensor.name}"'
    values: Values
    if tensor.datatype is Datatype.BYTES:
        value = value if shape is None else _reshaped(where, value, shape, object)
        given, values = _strings(where, tensor, value, sizes)
    elif shape is None and _are_few_floats(tensor, value):
        given, values = [len(value)], value
    else:
        array = _returned(where, tensor, value if shape is None else _reshaped(where, value, shape))
        given, values = [*array.shape], np.ascontiguousarray(array).ravel()
    check_shape(where, tensor.shape, given, sizes)
    return made(
        ResponseOutput,
        name=tensor.name,
        datatype=tensor.datatype,
        shape=given,
        data=made(TensorData, root=values),
        parameters=tensor.parameters,
    )


def _reshaped(where: str, values: Any, shape: Sequence[int], dtype: Any = None) -> np.ndarray[Any, Any]:
    count, expected = len(values), math.prod(shape)
    array = np.empty(count, object) if dtype else np.asarray(values)
    if dtype:
        array[:] = values
    if array.size != expected:
        raise ValueError(f"{where}: expected {expected} elements for shape {[*shape]}, got {array.size}")
    return array.reshape(shape)


def _are_few_floats(tensor: Tensor, value: Any) -> bool:
    """Whether it is a list that can be sent as it is; making an array of one number would take longer than the rest."""
    if type(value) is not list or len(value) > _FEW or not (most := tensor.largest):
        return False
    for each in value:  # noqa: SIM110  as a generator it takes twice the time
        if type(each) is not float or not -most <= each <= most:
            return False
    return True


def _returned(where: str, tensor: Tensor, value: Any) -> np.ndarray[Any, Any]:
    """Array of what a model's code returned, in the tensor's datatype."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{where}: expected rows of the same size") from None
    wanted = tensor.dtype.kind
    if wanted in "iu" and array.dtype.kind in "fO" and not isinstance(value, np.ndarray):
        # Integers of which some need an int64 and others a uint64.
        flat = np.asarray(value, object).ravel().tolist()
        if {*map(type, flat)} == {int}:
            array = array_of(where, tensor, flat).reshape(array.shape)
    return cast(where, tensor, array)


def _strings(where: str, tensor: Tensor, value: Any, sizes: Sizes) -> tuple[list[int], list[bytes]]:
    """Shape and elements of texts or bytes that a model's code returned."""
    if (
        type(value) is list
        and len(tensor.shape) == 1
        and {*map(type, value)} == {str}
        and tensor.content_type != BASE64
    ):
        return [len(value)], [each.encode() for each in value]
    level = [value.tolist() if isinstance(value, np.ndarray) else value]
    shape: list[int] = []
    for size in tensor.shape:
        if others := [row for row in level if not isinstance(row, list | tuple)]:
            raise ValueError(f"{where}: expected a list of texts or bytes, got {type(others[0]).__name__}")
        if len({*map(len, level)}) > 1:
            raise ValueError(f"{where}: expected rows of the same size")
        known = size if isinstance(size, int) else sizes.get(size, (0, ""))[0]
        shape.append(len(level[0]) if level else known)
        level = [*chain.from_iterable(level)]
    encode: Callable[[bytes], bytes] = base64.b64encode if tensor.content_type == BASE64 else bytes
    for index, element in enumerate(level):
        if not isinstance(element, str | bytes):
            raise ValueError(f"{where}: element {index}: expected a text or bytes, got {type(element).__name__}")
    return shape, [encode(each.encode() if isinstance(each, str) else each) for each in level]
