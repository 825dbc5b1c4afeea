"""Declared tensors of a model: their checks, metadata and values, all from one declaration.

This module decides whether a request fits the model, and whether what the model's code returns fits the declaration.
Error messages name the tensor, what was expected and what was given, but never quote a payload. Numbers are numpy
arrays in the declared datatype; of gRPC's raw contents they are views. BYTES are lists.
"""

import base64
import binascii
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from types import NoneType
from typing import Any

import numpy as np
from mlserver.errors import InferenceError
from mlserver.types import (
    Datatype,
    InferenceRequest,
    MetadataTensor,
    Parameters,
    RequestInput,
    ResponseOutput,
    TensorData,
)

from .limits import ELEMENT_BYTES, HOW_TO_RAISE

TEXT = "str"
"""Content type of BYTES that contain UTF-8 texts."""
BASE64 = "base64"
"""Content type of BYTES that are encoded like this in requests and responses, but not in the model's code."""
DTYPES = {"BOOL": np.dtype("?")} | {
    f"{kind}{bits}": np.dtype(f"<{code}{bits // 8}")
    for kind, code in (("INT", "i"), ("UINT", "u"), ("FP", "f"))
    for bits in (8, 16, 32, 64)
    if f"{kind}{bits}" in Datatype.__members__
}
"""Datatype of the protocol → little-endian numpy datatype; BYTES has none."""

_SIZES = range(2**63)  # sizes in the protocol are int64; JSON numbers may be larger
_ARRAYS = ("np", "pd")
"""Content types of MLServer's clients for arrays and data frames, whose numbers look like all others."""
_SCALARS: dict[str, tuple[set[type], str, str]] = {
    # Kind of the datatype → Python types of elements, datatype that holds all of them, kinds of arrays.
    "b": ({bool}, "?", "b"),
    "i": ({int}, "i8", "iu"),
    "u": ({int}, "u8", "iu"),
    "f": ({float, int, NoneType}, "f8", "fiu"),
}

Values = np.ndarray[Any, Any] | list[Any]
Sizes = dict[str, tuple[int, str]]
"""Sizes of named dimensions, each with the tensor where it was first seen."""


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """Declaration of one input or output of a model.

    Raises:
        ValueError: It is wrong; the message has the name, the expected and the given value.
    """

    name: str
    """Name in requests and responses."""
    datatype: Datatype
    """Datatype of the V2 protocol."""
    shape: tuple[int | str, ...]
    """Sizes, or names such as "N" for sizes that the caller chooses.

    The same name means the same size in all inputs and outputs. If one dimension is declared, requests
    may also have a column [N, 1], since MLServer's codecs send that.
    """
    content_type: str | None = None
    """Meaning of the elements, such as "str" for texts, "base64" or "np".

    Requests must use this content type or none: another interpretation of the bytes would give wrong results. Numbers
    may also come as "np" or "pd", and bytes as "base64".
    """
    optional: bool = False
    """Whether a request may omit this input."""
    finite: bool = False
    """Whether NaN and infinities are refused. Over REST, `null` is NaN."""

    def __post_init__(self) -> None:
        where = f"Tensor {short(self.name)!r}"
        problems = {
            "name": ("a text", self.name, isinstance(self.name, str) and self.name),
            "datatype": ("a Datatype such as Datatype.FP32", self.datatype, isinstance(self.datatype, Datatype)),
            "shape": ('a tuple of sizes and names such as ("N", 3)', self.shape, _is_shape(self.shape)),
        }
        for field, (expected, given, right) in problems.items():
            if not right:
                raise ValueError(f"{where}: {field}: expected {expected}, got {short(repr(given))}")
        if self.content_type in (TEXT, BASE64) and self.datatype is not Datatype.BYTES:
            raise ValueError(f"{where}: content_type: expected {self.content_type!r} for BYTES only, "
                             f"got {self.datatype.value}")  # fmt: skip

    @property
    def metadata(self) -> MetadataTensor:
        """Metadata of the tensor in the protocol; a size that the caller chooses is -1."""
        shape = [size if isinstance(size, int) else -1 for size in self.shape]
        return MetadataTensor(name=self.name, datatype=self.datatype, shape=shape, parameters=self._parameters)

    @property
    def least_bytes(self) -> int:
        """Bytes of the smallest request that is not empty: one row of numbers."""
        dtype = DTYPES.get(self.datatype.value)
        sizes = (size if isinstance(size, int) else 1 for size in self.shape)
        return math.prod(sizes) * (dtype.itemsize if dtype else ELEMENT_BYTES)

    def output(self, value: Any, shape: Sequence[int] | None, sizes: Sizes) -> ResponseOutput:
        """Create an output of this tensor from what a model's code returned: an array, a list or nested rows.

        With a shape, the elements may also be flat.

        Raises:
            ValueError: It does not fit the declaration.
        """
        where = f'output "{self.name}"'
        values: Values
        if self.datatype is Datatype.BYTES:
            given, values = _strings(where, self, value if shape is None else _reshaped(where, value, shape, object))
        else:
            array = _returned(where, self, value if shape is None else _reshaped(where, value, shape))
            given, values = [*array.shape], np.ascontiguousarray(array).ravel()
        _check_shape(where, self.shape, given, sizes)
        return ResponseOutput.model_construct(
            name=self.name, datatype=self.datatype, shape=given, data=TensorData.model_construct(root=values),
            parameters=self._parameters,
        )  # fmt: skip

    @cached_property
    def _parameters(self) -> Parameters | None:
        return Parameters(content_type=self.content_type) if self.content_type else None


def check_tensors(where: str, tensors: object, *, optional: bool = True) -> tuple[Tensor, ...]:
    """The tensors, if they are a tuple of Tensors with different names, of which some may be optional.

    Raises:
        ValueError: They are not.
    """
    if not isinstance(tensors, tuple | list):
        hint = "; a comma is missing after it" if isinstance(tensors, Tensor) else ""
        raise ValueError(f"{where}: expected a tuple of Tensors, got {type(tensors).__name__}{hint}")
    names = set()
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise ValueError(f"{where}: expected Tensors, got {type(tensor).__name__}")
        if tensor.name in names:
            raise ValueError(f"{where}: expected different names, got {tensor.name!r} twice")
        if tensor.optional and not optional:
            raise ValueError(f"{where}: expected no optional tensors, got {tensor.name!r}")
        names.add(tensor.name)
    return tuple(tensors)


def check_request(declared: Sequence[Tensor], request: InferenceRequest, most_bytes: int | None) -> None:
    """Check a request against the declared inputs, and put the decoded values into each input's data.

    Raises:
        InferenceError: An input is missing, unknown or duplicate, or has another datatype, shape, content type or
            number of elements, or an element that has another datatype; or the request is too large.
    """
    by_name = {tensor.name: tensor for tensor in declared}
    names = [given.name for given in request.inputs]
    required = [tensor.name for tensor in declared if not tensor.optional]
    if len({*names}) < len(names) or not {*required} <= {*names} <= by_name.keys():
        optional = [name for name in by_name if name not in required]
        expected = f"{_listed(required)} and optionally {_listed(optional)}" if optional else _listed(required)
        raise InferenceError(f"inputs: expected {expected}, got {_listed(names)}")
    known = {tensor.content_type for tensor in declared} | {*_ARRAYS}
    _check_content_type("request", request.parameters, [*known], [tensor.content_type for tensor in declared])
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
        given.data = TensorData.model_construct(root=values)


def named_sizes(declared: Sequence[Tensor], request: InferenceRequest) -> Sizes:
    """Sizes of the named dimensions in a checked request."""
    shapes = {tensor.name: tensor.shape for tensor in declared}
    return {
        dimension: (size, f'input "{given.name}"')
        for given in request.inputs
        for dimension, size in zip(shapes[given.name], given.shape, strict=False)
        if isinstance(dimension, str)
    }


def _is_shape(shape: object) -> bool:
    return isinstance(shape, tuple) and all(
        (isinstance(size, str) and size != "") or (type(size) is int and size > 0) for size in shape
    )


def _flat_values(where: str, declared: Tensor, given: RequestInput, sizes: Sizes) -> Values:
    numbers = declared.datatype is not Datatype.BYTES
    also = _ARRAYS if numbers else (BASE64,) if declared.content_type is None else ()
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
            return _cast(where, declared, data if isinstance(data, np.ndarray) else _array(where, declared, data))
        if declared.content_type == TEXT:
            return _texts(where, data)
        encoded = BASE64 in (declared.content_type, given.parameters and given.parameters.content_type)
        return [_bytes(f"{where}: element {index}", each, encoded) for index, each in enumerate(data)]
    except ValueError as error:
        reason = str(error)
    raise InferenceError(reason)  # without a cause, which would put a payload into a log


def _check_given_shape(where: str, declared: Sequence[int | str], given: Sequence[int], sizes: Sizes) -> None:
    if any(size not in _SIZES for size in given):
        raise InferenceError(_wrong_shape(where, declared, given, column=True))
    column = len(declared) == 1 and len(given) == 2 and given[1] == 1
    try:
        _check_shape(where, declared, given[:1] if column else given, sizes, column=True)
    except ValueError as error:
        raise InferenceError(str(error)) from None


def _check_shape(
    where: str, declared: Sequence[int | str], given: Sequence[int], sizes: Sizes, *, column: bool = False
) -> None:
    if len(given) != len(declared):
        raise ValueError(_wrong_shape(where, declared, given, column=column))
    for dimension, size in zip(declared, given, strict=True):
        if isinstance(dimension, str):
            known, first = sizes.setdefault(dimension, (size, where))
            if known != size:
                raise ValueError(f"{where}: expected {dimension} = {known} as in {first}, got shape {[*given]}")
        elif dimension != size:
            raise ValueError(_wrong_shape(where, declared, given, column=False))


def _wrong_shape(where: str, declared: Sequence[int | str], given: Sequence[int], *, column: bool) -> str:
    form = ", ".join(map(str, declared))
    forms = f"[{form}] or [{form}, 1]" if column and len(declared) == 1 else f"[{form}]"
    return f"{where}: expected shape {forms}, got {short([*given])}"


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


def _array(where: str, tensor: Tensor, data: list[Any]) -> np.ndarray[Any, Any]:
    """Array of the Python objects that a JSON body has, in a datatype that holds all of them."""
    kinds, wide, _ = _SCALARS[DTYPES[tensor.datatype.value].kind]
    if not {*map(type, data)} <= kinds:
        index, element = next((i, each) for i, each in enumerate(data) if type(each) not in kinds)
        raise ValueError(f"{where}: element {index}: expected {tensor.datatype.value}, got {type(element).__name__}")
    try:
        return np.array(data, wide)
    except OverflowError:
        first, last = _range(tensor)
        index = next(i for i, each in enumerate(data) if each is not None and not first <= each <= last)
        raise ValueError(f"{where}: element {index}: {_expected(tensor)}") from None


def _reshaped(where: str, values: Any, shape: Sequence[int], dtype: Any = None) -> np.ndarray[Any, Any]:
    count, expected = len(values), math.prod(shape)
    array = np.empty(count, object) if dtype else np.asarray(values)
    if dtype:
        array[:] = values
    if array.size != expected:
        raise ValueError(f"{where}: expected {expected} elements for shape {[*shape]}, got {array.size}")
    return array.reshape(shape)


def _returned(where: str, tensor: Tensor, value: Any) -> np.ndarray[Any, Any]:
    """Array of what a model's code returned, in the tensor's datatype."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{where}: expected rows of the same size") from None
    wanted = DTYPES[tensor.datatype.value].kind
    if wanted in "iu" and array.dtype.kind in "fO" and not isinstance(value, np.ndarray):
        # Integers of which some need an int64 and others a uint64.
        flat = np.asarray(value, object).ravel().tolist()
        if {*map(type, flat)} == {int}:
            array = _array(where, tensor, flat).reshape(array.shape)
    return _cast(where, tensor, array)


def _cast(where: str, tensor: Tensor, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array in the tensor's datatype.

    Raises:
        ValueError: It holds something else, or an element is out of range.
    """
    dtype = DTYPES[tensor.datatype.value]
    if array.dtype.kind not in _SCALARS[dtype.kind][2]:
        raise ValueError(f"{where}: expected {tensor.datatype.value}, got {array.dtype}")
    cast, wrong = array, np.zeros((), bool)
    if array.dtype != dtype:
        with np.errstate(over="ignore"):
            cast = array.astype(dtype)
        if not np.can_cast(array.dtype, dtype):
            first, last = _range(tensor)
            wrong = (
                np.isinf(cast) & np.isfinite(array) if dtype.kind == "f" else (array < int(first)) | (array > int(last))
            )
    if tensor.finite and dtype.kind == "f":
        wrong = wrong | ~np.isfinite(cast)
    if np.any(wrong):
        raise ValueError(f"{where}: element {int(np.argmax(wrong))}: {_expected(tensor)}")
    return cast


def _range(tensor: Tensor) -> tuple[Any, Any]:
    dtype = DTYPES[tensor.datatype.value]
    info = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return info.min, info.max


def _expected(tensor: Tensor) -> str:
    first, last = _range(tensor)
    return f"expected {'a finite ' if tensor.finite else ''}{tensor.datatype.value}, {first!s} to {last!s}"


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


def _strings(where: str, tensor: Tensor, value: Any) -> tuple[list[int], list[bytes]]:
    """Shape and elements of texts or bytes that a model's code returned."""
    level = value.tolist() if isinstance(value, np.ndarray) else value
    level = level if tensor.shape else [level]
    shape: list[int] = []
    for dimension, _ in enumerate(tensor.shape):
        if not isinstance(level, list | tuple):
            raise ValueError(f"{where}: expected a list of texts or bytes, got {type(level).__name__}")
        shape.append(len(level))
        if dimension < len(tensor.shape) - 1:
            rows = [row if isinstance(row, list | tuple) else () for row in level]
            if len({*map(len, rows)}) > 1 or rows != [*level]:
                raise ValueError(f"{where}: expected rows of the same size")
            level = [*chain.from_iterable(rows)]
    encode: Callable[[bytes], bytes] = base64.b64encode if tensor.content_type == BASE64 else bytes
    for index, element in enumerate(level):
        if not isinstance(element, str | bytes):
            raise ValueError(f"{where}: element {index}: expected a text or bytes, got {type(element).__name__}")
    return shape, [encode(each.encode() if isinstance(each, str) else each) for each in level]


def _check_content_type(
    where: str, parameters: Parameters | None, allowed: Iterable[str | None], declared: Sequence[str | None]
) -> None:
    given = parameters.content_type if parameters else None
    if given is None or given in allowed:
        return
    expected = " or ".join(f'"{each}"' for each in declared if each)
    raise InferenceError(f"{where}: expected {f'content_type {expected} or none' if expected else 'no content_type'}, "
                         f'got "{short(given)}"')  # fmt: skip


def _listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    return short(", ".join(f'"{name}"' for name in names)) or "none"


def short(value: object) -> str:
    """The value as text, truncated if it is long."""
    text = str(value)
    return text if len(text) <= 80 else f"{text[:80]} …"
