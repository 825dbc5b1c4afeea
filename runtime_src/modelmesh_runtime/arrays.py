"""Arrays of numbers in the datatype that a tensor declares; other elements, and those out of range, are refused."""

from types import NoneType
from typing import Any

import numpy as np

from .tensors import Tensor

_SCALARS: dict[str, tuple[set[type], str, str]] = {
    # Kind of the datatype → Python types of elements, datatype that holds all of them, kinds of arrays.
    "b": ({bool}, "?", "b"),
    "i": ({int}, "i8", "iu"),
    "u": ({int}, "u8", "iu"),
    "f": ({float, int, NoneType}, "f8", "fiu"),
}


def array_of(where: str, tensor: Tensor, data: list[Any]) -> np.ndarray[Any, Any]:
    """Array of the Python objects that a JSON body has, in a datatype that holds all of them.

    Raises:
        ValueError: An element is of another kind, or too large for any datatype.
    """
    kinds, wide, _ = _SCALARS[tensor.dtype.kind]
    if not {*map(type, data)} <= kinds:
        index, element = next((i, each) for i, each in enumerate(data) if type(each) not in kinds)
        raise ValueError(f"{where}: element {index}: expected {tensor.datatype.value}, got {type(element).__name__}")
    try:
        return np.array(data, wide)
    except OverflowError:
        first, last = _range(tensor)
        index = next(i for i, each in enumerate(data) if each is not None and not first <= each <= last)
        raise ValueError(f"{where}: element {index}: {_expected(tensor)}") from None


def cast(where: str, tensor: Tensor, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array in the tensor's datatype.

    Raises:
        ValueError: It holds something else, or an element is out of range.
    """
    dtype = tensor.dtype
    if array.dtype.kind not in _SCALARS[dtype.kind][2]:
        raise ValueError(f"{where}: expected {tensor.datatype.value}, got {array.dtype}")
    if array.dtype == dtype and not (tensor.finite and dtype.kind == "f"):
        return array
    # Quick for most; a NaN is not less than anything.
    if dtype.kind == array.dtype.kind == "f" and array.size and float(np.abs(array).max()) <= tensor.largest:
        return array.astype(dtype, copy=False)
    found, wrong = array, np.zeros((), bool)
    if array.dtype != dtype:
        with np.errstate(over="ignore"):
            found = array.astype(dtype)
        if not np.can_cast(array.dtype, dtype):
            first, last = _range(tensor)
            wrong = (
                np.isinf(found) & np.isfinite(array)
                if dtype.kind == "f"
                else (array < int(first)) | (array > int(last))
            )
    if tensor.finite and dtype.kind == "f":
        wrong = wrong | ~np.isfinite(found)
    if np.any(wrong):
        raise ValueError(f"{where}: element {int(np.argmax(wrong))}: {_expected(tensor)}")
    return found


def _range(tensor: Tensor) -> tuple[Any, Any]:
    dtype = tensor.dtype
    info = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return info.min, info.max


def _expected(tensor: Tensor) -> str:
    first, last = _range(tensor)
    return f"expected {'a finite ' if tensor.finite else ''}{tensor.datatype.value}, {first!s} to {last!s}"
