"""Declaration of a model's tensors, with their metadata.

Requests are checked against it in inputs.py, and what a model's code returns in outputs.py. Error messages name the
tensor, what was expected and what was given, but never quote a payload.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from mlserver.types import Datatype, MetadataTensor, Parameters

from .limits import ELEMENT_BYTES

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

Values = np.ndarray[Any, Any] | list[Any]
"""Elements of a tensor: numbers are an array, BYTES a list."""
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
        return MetadataTensor(name=self.name, datatype=self.datatype, shape=shape, parameters=self.parameters)

    @property
    def least_bytes(self) -> int:
        """Bytes of the smallest request that is not empty: one row of numbers."""
        sizes = (size if isinstance(size, int) else 1 for size in self.shape)
        return math.prod(sizes) * (ELEMENT_BYTES if self.datatype is Datatype.BYTES else self.dtype.itemsize)

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Datatype of its arrays; BYTES are objects."""
        dtype: np.dtype[Any] = DTYPES.get(self.datatype.value, np.dtype(object))
        return dtype

    @cached_property
    def largest(self) -> float:
        """The largest of its numbers that is not infinite; 0 for integers, booleans and BYTES."""
        return float(np.finfo(self.dtype).max) if self.dtype.kind == "f" else 0

    @cached_property
    def parameters(self) -> Parameters | None:
        """Parameters of the tensor in metadata and responses."""
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


def _is_shape(shape: object) -> bool:
    return isinstance(shape, tuple) and all(
        (isinstance(size, str) and size != "") or (type(size) is int and size > 0) for size in shape
    )


def check_shape(
    where: str, declared: Sequence[int | str], given: Sequence[int], sizes: Sizes, *, column: bool = False
) -> None:
    """Check a shape against the declared one, and note the sizes of its named dimensions.

    With `column`, the error mentions that a column is accepted in place of a single dimension.

    Raises:
        ValueError: It does not fit.
    """
    if len(given) != len(declared):
        raise ValueError(wrong_shape(where, declared, given, column=column))
    for dimension, size in zip(declared, given, strict=True):
        if isinstance(dimension, str):
            known, first = sizes.setdefault(dimension, (size, where))
            if known != size:
                raise ValueError(f"{where}: expected {dimension} = {known} as in {first}, got shape {[*given]}")
        elif dimension != size:
            raise ValueError(wrong_shape(where, declared, given, column=False))


def wrong_shape(where: str, declared: Sequence[int | str], given: Sequence[int], *, column: bool) -> str:
    """Message about a shape that does not fit the declared one."""
    form = ", ".join(map(str, declared))
    forms = f"[{form}] or [{form}, 1]" if column and len(declared) == 1 else f"[{form}]"
    return f"{where}: expected shape {forms}, got {short([*given])}"


def short(value: object) -> str:
    """The value as text, truncated if it is long."""
    text = str(value)
    return text if len(text) <= 80 else f"{text[:80]} …"
