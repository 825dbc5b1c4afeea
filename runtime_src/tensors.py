"""The tensors that a model declares: their checks, their metadata and their values, all from one declaration.

It owns what makes a request one for the model. A message names the tensor, what was expected and what came, and never
repeats a payload. Over REST the values are JSON, nested or flat; over gRPC typed or raw.
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

from limits import Limits

TEXT = "str"
"""The content type of BYTES that are UTF-8 texts."""

_SIZES = range(2**63)  # the protocol's; JSON may write a number of any length
_INTEGERS = {
    Datatype(f"{sign}INT{bits}"): range(-(2 ** (bits - 1)), 2 ** (bits - 1)) if not sign else range(2**bits)
    for sign in ("", "U")
    for bits in (8, 16, 32, 64)
}


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One input or output of a model.

    Attributes:
        name: as requests and answers call it.
        datatype: of its elements, one of the V2 protocol's.
        shape: a size, or a name such as "N" for a size that the caller picks; the same name is the same size in all
            inputs. Where one dimension is declared, a column [N, 1] is taken as well: MLServer's own codecs send that.
        content_type: what the elements mean, such as "str" for texts or "np" for an array. Requests name this one or
            none: what was meant as something else would give an answer, and a wrong one.
    """

    name: str
    datatype: Datatype
    shape: tuple[int | str, ...]
    content_type: str | None = None

    @property
    def metadata(self) -> MetadataTensor:
        """What the server tells about it; a size that the caller picks is -1."""
        shape = [size if isinstance(size, int) else -1 for size in self.shape]
        return MetadataTensor(name=self.name, datatype=self.datatype, shape=shape, parameters=self._parameters)

    def output(self, values: Sequence[Any], shape: Sequence[int] | None = None) -> ResponseOutput:
        """Make an output of it.

        Args:
            values: the elements, row by row; of BYTES either bytes or texts.
            shape: [len(values)] unless given.
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
        InferenceError: an input is missing, unknown or twice there, or has another datatype, shape, content type or
            number of elements, or an element that is none of the datatype or too large.
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
    # A string in a request that came over gRPC, whatever the annotation says.
    datatype = getattr(given.datatype, "value", given.datatype)
    if datatype != declared.datatype.value:
        raise InferenceError(f"{where}: expected datatype {declared.datatype.value}, got {short(datatype)}")
    _check_shape(where, declared.shape, given.shape, sizes)
    count = math.prod(given.shape)
    if count > limits.max_items:
        raise InferenceError(f"{where}: expected {limits.max_items} elements at the most, got {count}")
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
    for wanted, size in zip(declared, given, strict=False):
        if isinstance(wanted, str):
            known, first = sizes.setdefault(wanted, (size, where))
            if known != size:
                raise InferenceError(f"{where}: expected {wanted} = {known} as in {first}, got shape {[*given]}")
        elif wanted != size:
            raise InferenceError(f"{where}: expected shape {_form(declared)}, got {short([*given])}")


def _form(shape: Sequence[int | str]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _flat(where: str, given: RequestInput) -> list[Any]:
    """The elements, which JSON may nest as the shape says."""
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
    # As good as all requests take the first way: two passes in C, no look at one element at a time.
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
                # Not chained: the cause would carry the payload into a log.
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
        raise InferenceError(f"{where}: expected {limits.max_item_bytes} bytes at the most, got {size}")


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
    """The value as text, cut where a caller made it long."""
    text = str(value)
    return text if len(text) <= 80 else f"{text[:80]} …"
