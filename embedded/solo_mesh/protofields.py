"""Read and replace one string field of a protobuf message by its path of field numbers, without its schema.

Only tags and lengths are parsed; everything else is copied byte for byte, so this works with the messages of any
service. A path of several numbers leads through embedded messages. Malformed bytes cause a ValueError.
"""

from collections.abc import Iterator, Sequence

_LENGTH_DELIMITED = 2  # wire type of strings and embedded messages


def extract(message: bytes, path: Sequence[int]) -> str | None:
    """The string at the path; None if it is absent. The last value of a repeated field counts, as in protobuf."""
    for number in path:
        spans = [(begin, end) for field, _, begin, end in _fields(message) if field == number]
        if not spans:
            return None
        message = message[slice(*spans[-1])]
    return message.decode()


def inject(message: bytes, path: Sequence[int], value: str) -> bytes:
    """The message with the string at the path set to `value`, added if it was absent."""
    number, rest = path[0], path[1:]
    kept: list[bytes] = []
    content, copied = b"", 0
    for field, start, begin, end in _fields(message):
        if field == number:
            kept.append(message[copied:start])
            # Parts of one embedded message are merged by protobuf's rules; of a string only the last one counts.
            content, copied = content + message[begin:end], end
    kept.append(message[copied:])
    content = inject(content, rest, value) if rest else value.encode()
    return _encode(number << 3 | _LENGTH_DELIMITED) + _encode(len(content)) + content + b"".join(kept)


def _fields(message: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Number, start of the tag, start of the content and end of each field; the content excludes the length."""
    position = 0
    while position < len(message):
        start = position
        tag, position = _varint(message, position)
        match tag & 7:
            case 0:
                begin, position = position, _varint(message, position)[1]
            case 1:
                begin, position = position, position + 8
            case 2:
                length, begin = _varint(message, position)
                position = begin + length
            case 5:
                begin, position = position, position + 4
            case other:
                raise ValueError(f"field {tag >> 3} has wire type {other}, which this does not read")
        if position > len(message):
            raise ValueError("message ends within a field")
        yield tag >> 3, start, begin, position


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message) and shift < 70:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("message ends within a number")


def _encode(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(encoded) + bytes([value])
