"""Declared tensors of a model: their checks, metadata and values, all from one declaration.

This module decides whether a request fits the model. Error messages name the tensor, what was expected and what was
given, but never quote a payload. Over REST the values are JSON, nested or flat; over gRPC typed or raw.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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

from .limits import Limits

TEXT = "str"
"""Content type of BYTES that contain UTF-8 texts."""

_SIZES = range(2**63)  # sizes in the protocol are int64; JSON numbers may be larger
_INTEGERS = {
    Datatype(f"{sign}INT{bits}"): range(-(2 ** (bits - 1)), 2 ** (bits - 1)) if not sign else range(2**bits)
    for sign in ("", "U")
    for bits in (8, 16, 32, 64)
}


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """Declaration of one input or output of a model."""

    name: str
    """Name in requests and responses."""
    datatype: Datatype
    """Datatype of the V2 protocol."""
    shape: tuple[int | str, ...]
    """Sizes, or names such as "N" for sizes that the caller chooses.

    The same name means the same size in all inputs. If one dimension is declared, a column [N, 1] is accepted as well,
    since MLServer's codecs send that.
    """
    content_type: str | None = None
    """Meaning of the elements, such as "str" for texts or "np" for an array.

    Requests must use this content type or none: another interpretation of the bytes would give wrong results.
    """

    @property
    def metadata(self) -> MetadataTensor:
        """Metadata of the tensor in the protocol; a size that the caller chooses is -1."""
        shape = [size if isinstance(size, int) else -1 for size in self.shape]
        return MetadataTensor(name=self.name, datatype=self.datatype, shape=shape, parameters=self._parameters)

    def output(self, values: Sequence[Any], shape: Sequence[int] | None = None) -> ResponseOutput:
        """Create an output of this tensor.

        Args:
            values: Elements, row by row; for BYTES either bytes or str.
            shape: Shape of the output, [len(values)] by default.
        """
        if self.datatype is Datatype.BYTES:
            values = [value.encode() if isinstance(value, str) else value for value in values]
        shape = [*shape] if shape is not None else [len(values)]
        return ResponseOutput(
            name=self.name, datatype=self.datatype, shape=shape, data=TensorData(values), parameters=self._parameters
        )

    @cached_property
    def _parameters(self) -> Parameters | None:
        return Parameters(content_type=self.content_type) if self.content_type else None


def check_request(declared: Sequence[Tensor], request: InferenceRequest, limits: Limits) -> None:
    """Check a request against the declared inputs, and put the decoded, flat list of elements into each input's data.

    Raises:
        InferenceError: An input is missing, unknown or duplicate, or has another datatype, shape, content type or
            number of elements, or an element that has another datatype or is too large.
    """
    by_name = {tensor.name: tensor for tensor in declared}
    names = [given.name for given in request.inputs]
    if sorted(names) != sorted(by_name):
        raise InferenceError(f"inputs: expected {_listed(by_name)}, got {_listed(names)}")
    _check_content_type("request", request.parameters, [tensor.content_type for tensor in declared])
    sizes: dict[str, tuple[int, str]] = {}
    for given in request.inputs:
        values = _values(by_name[given.name], given, sizes, limits)
        given.data = TensorData(values)


def _values(declared: Tensor, given: RequestInput, sizes: dict[str, tuple[int, str]], limits: Limits) -> list[Any]:
    where = f'input "{declared.name}"'
    _check_content_type(where, given.parameters, [declared.content_type])
    # Over gRPC this is a str, despite the annotation.
    datatype = getattr(given.datatype, "value", given.datatype)
    if datatype != declared.datatype.value:
        raise InferenceError(f"{where}: expected datatype {declared.datatype.value}, got {short(datatype)}")
    _check_shape(where, declared.shape, given.shape, sizes)
    count = math.prod(given.shape)
    if count > limits.max_items:
        raise InferenceError(f"{where}: expected at most {limits.max_items} elements, got {count}")
    data = _flat(where, given)
    if len(data) != count:
        raise InferenceError(f"{where}: expected {count} elements for shape {given.shape}, got {len(data)}")
    if declared.datatype is not Datatype.BYTES:
        return _numbers(where, declared.datatype, data)
    return _texts(where, data, limits) if declared.content_type == TEXT else _bytes(where, data, limits)


def _check_shape(where: str, declared: Sequence[int | str], given: Sequence[int], sizes: dict[str, Any]) -> None:
    column = len(declared) == 1 and len(given) == 2 and given[1] == 1
    if (not column and len(given) != len(declared)) or any(size not in _SIZES for size in given):
        form = ", ".join(map(str, declared))
        forms = f"[{form}] or [{form}, 1]" if len(declared) == 1 else f"[{form}]"
        raise InferenceError(f"{where}: expected shape {forms}, got {short([*given])}")
    for dimension, size in zip(declared, given, strict=False):
        if isinstance(dimension, str):
            known, first = sizes.setdefault(dimension, (size, where))
            if known != size:
                raise InferenceError(f"{where}: expected {dimension} = {known} as in {first}, got shape {[*given]}")
        elif dimension != size:
            raise InferenceError(f"{where}: expected shape {_form(declared)}, got {short([*given])}")


def _form(shape: Sequence[int | str]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _flat(where: str, given: RequestInput) -> list[Any]:
    """Elements of an input, which JSON may nest according to the shape."""
    data = given.data.root
    if not isinstance(data, list):
        raise InferenceError(f"{where}: expected data to be a list, got {type(data).__name__}")
    for size in given.shape[1:]:
        if not data or not all(isinstance(row, list) for row in data):
            break
        if {*map(len, data)} != {size}:
            other = next(len(row) for row in data if len(row) != size)
            raise InferenceError(f"{where}: expected rows of {size} for shape {given.shape}, got one of {other}")
        data = [element for row in data for element in row]
    return data


def _texts(where: str, data: list[Any], limits: Limits) -> list[str]:
    # Nearly all requests take this path: two passes in C instead of a check of each element in Python.
    try:
        if max(map(len, data), default=0) * 4 <= limits.max_item_bytes:
            return [element if type(element) is str else element.decode() for element in data]
    except (TypeError, AttributeError, UnicodeDecodeError):
        pass
    return [_text(f"{where}: element {index}", element, limits) for index, element in enumerate(data)]


def _text(where: str, element: object, limits: Limits) -> str:
    match element:
        case str():
            _check_size(where, len(element) if element.isascii() else len(element.encode(errors="replace")), limits)
            return element
        case bytes():
            _check_size(where, len(element), limits)
            try:
                return element.decode()
            except UnicodeDecodeError as error:
                # Without `from error`: the cause would put the payload into a log.
                reason = f"{where}: expected UTF-8, got byte {error.object[error.start]:#04x} at {error.start}"
            raise InferenceError(reason)
        case _:
            raise InferenceError(f"{where}: expected a string, got {type(element).__name__}")


def _bytes(where: str, data: list[Any], limits: Limits) -> list[bytes]:
    for index, element in enumerate(data):
        if not isinstance(element, str | bytes):
            raise InferenceError(f"{where}: element {index}: expected a string, got {type(element).__name__}")
    encoded = [element.encode() if isinstance(element, str) else element for element in data]
    for index, element in enumerate(encoded):
        _check_size(f"{where}: element {index}", len(element), limits)
    return encoded


def _check_size(where: str, size: int, limits: Limits) -> None:
    if size > limits.max_item_bytes:
        raise InferenceError(f"{where}: expected at most {limits.max_item_bytes} bytes, got {size}")


def _numbers(where: str, datatype: Datatype, data: list[Any]) -> list[Any]:
    allowed = _INTEGERS.get(datatype)
    kinds = {int} if allowed else {bool} if datatype is Datatype.BOOL else {float, int}
    if not set(map(type, data)) <= kinds:
        index, element = next((i, each) for i, each in enumerate(data) if type(each) not in kinds)
        raise InferenceError(f"{where}: element {index}: expected {datatype.value}, got {type(element).__name__}")
    if allowed and data and not (allowed.start <= min(data) and max(data) < allowed.stop):
        index = next(i for i, each in enumerate(data) if each not in allowed)
        raise InferenceError(
            f"{where}: element {index}: expected {datatype.value}, {allowed.start} to {allowed.stop - 1}"
        )
    return data


def _check_content_type(where: str, parameters: Parameters | None, known: Sequence[str | None]) -> None:
    given = parameters.content_type if parameters else None
    if given is None or given in known:
        return
    expected = " or ".join(f'"{each}"' for each in known if each)
    raise InferenceError(f"{where}: expected {f'content_type {expected} or none' if expected else 'no content_type'}, "
                         f'got "{short(given)}"')  # fmt: skip


def _listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    return short(", ".join(f'"{name}"' for name in names)) or "none"


def short(value: object) -> str:
    """The value as text, truncated if it is long."""
    text = str(value)
    return text if len(text) <= 80 else f"{text[:80]} …"
