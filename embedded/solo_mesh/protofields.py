"""Read and replace one string field of a protobuf message by its path of field numbers, without its schema.

The message classes that are made here have the fields of the path alone. Protobuf passes all other fields on unchanged,
so this works with the messages of any service. A path of several numbers leads through embedded messages. Malformed
bytes cause a ValueError.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass


def extract(message: bytes, path: Sequence[int]) -> str | None:
    """The string at the path; None if it is absent. The last value of a repeated field counts, as in protobuf."""
    inner = _parsed(message, path)
    for _ in path[1:]:
        inner = inner.field
    return inner.field.decode() if inner.HasField("field") else None


def inject(message: bytes, path: Sequence[int], value: str) -> bytes:
    """The message with the string at the path set to `value`, added if it was absent."""
    whole = inner = _parsed(message, path)
    for _ in path[1:]:
        inner = inner.field
    inner.field = value.encode()
    changed: bytes = whole.SerializeToString()
    return changed


def _parsed(message: bytes, path: Sequence[int]) -> Any:
    try:
        return _message_class(tuple(path)).FromString(message)
    except DecodeError as error:
        raise ValueError(str(error)) from None


@cache
def _message_class(path: tuple[int, ...]) -> Any:
    """Class of messages that have the path's first number as `field`: bytes, or a message for the rest of the path."""
    file, pool, kinds = FileDescriptorProto(name="path.proto"), DescriptorPool(), FieldDescriptorProto
    for depth, number in enumerate(path, start=1):
        field = file.message_type.add(name=f"Level{depth}").field.add(name="field", number=number)
        field.label, field.type = kinds.LABEL_OPTIONAL, kinds.TYPE_BYTES
        if depth < len(path):
            field.type, field.type_name = kinds.TYPE_MESSAGE, f"Level{depth + 1}"
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("Level1"))
