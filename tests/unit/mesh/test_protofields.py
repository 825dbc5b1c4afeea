"""String fields are read and replaced by path, on real protobuf messages, and nothing else changes."""

import pytest
from google.protobuf import struct_pb2, type_pb2
from google.protobuf.source_context_pb2 import SourceContext

from embedded.solo_mesh.protofields import extract, inject


def test_a_top_level_string_is_read() -> None:
    assert extract(type_pb2.Field(name="a", number=7, type_url="u").SerializeToString(), [4]) == "a"
    assert extract(type_pb2.Field(number=7).SerializeToString(), [4]) is None
    assert extract(b"", [1]) is None


def test_a_nested_string_is_read() -> None:
    message = type_pb2.Type(name="t", source_context=SourceContext(file_name="f")).SerializeToString()
    assert extract(message, [5, 1]) == "f"
    assert extract(type_pb2.Type(name="t").SerializeToString(), [5, 1]) is None


@pytest.mark.parametrize("name", ["", "short", "x" * 200, "ünï"])
def test_a_string_is_replaced_and_the_rest_stays(name: str) -> None:
    message = type_pb2.Field(name=name, number=300, oneof_index=2, packed=True, json_name="j")
    changed = type_pb2.Field.FromString(inject(message.SerializeToString(), [4], "an id that is longer than before"))
    message.name = "an id that is longer than before"
    assert changed == message


def test_a_nested_string_is_replaced_or_added() -> None:
    for message in (
        type_pb2.Type(name="t", source_context=SourceContext(file_name="f"), oneofs=["a", "b"]),
        type_pb2.Type(name="t", oneofs=["a"]),
    ):
        changed = type_pb2.Type.FromString(inject(message.SerializeToString(), [5, 1], "new"))
        message.source_context.file_name = "new"
        assert changed == message


def test_of_a_string_given_twice_the_last_counts_and_both_are_replaced() -> None:
    twice = type_pb2.Field(name="a").SerializeToString() + type_pb2.Field(name="b").SerializeToString()
    assert extract(twice, [4]) == "b"
    assert type_pb2.Field.FromString(inject(twice, [4], "c")).name == "c"


def test_all_wire_types_are_passed_over() -> None:
    value = struct_pb2.Value(number_value=1.5).SerializeToString()  # 64 bits
    thirty_two_bits = b"\x1d\x01\x02\x03\x04"
    assert extract(value + thirty_two_bits + b"\x08\x96\x01" + b"\x22\x01x", [4]) == "x"


@pytest.mark.parametrize("message", [b"\x0a\x05abc", b"\x08", b"\x0b", b"\xff" * 12, b"\x0a\x02\xff\xfe"])
def test_malformed_messages_are_refused(message: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (any ValueError becomes INVALID_ARGUMENT)
        extract(message, [1])
