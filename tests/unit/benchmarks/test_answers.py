"""Answers are compared by their values, however those are packed."""

import struct
from types import SimpleNamespace as Message

from benchmarks.measuring import values


def output(name: str, datatype: str, floats: tuple[float, ...] = (), texts: tuple[bytes, ...] = ()) -> Message:
    return Message(name=name, datatype=datatype, contents=Message(fp32_contents=floats, bytes_contents=texts))


def test_typed_and_raw_contents_have_the_same_values() -> None:
    typed = [output("compound", "FP32", floats=(0.5, -1.0)), output("label", "BYTES", texts=(b"positive", b""))]
    raw = [output("compound", "FP32"), output("label", "BYTES")]
    packed = [struct.pack("<2f", 0.5, -1.0), b"\x08\0\0\0positive\0\0\0\0"]
    expected = {"compound": [0.5, -1.0], "label": [b"positive", b""]}
    assert values(Message(outputs=typed, raw_output_contents=[])) == expected
    assert values(Message(outputs=raw, raw_output_contents=packed)) == expected
