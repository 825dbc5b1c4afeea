"""Limit of one request in bytes: that of MLServer's messages, MLSERVER_GRPC_MAX_MESSAGE_LENGTH.

A stack sets the variable to the limit of its mesh, the configuration key `maxMessageBytes`.
"""

from functools import cache

from mlserver.settings import Settings

HOW_TO_RAISE = "MLSERVER_GRPC_MAX_MESSAGE_LENGTH sets the limit, in a stack by the key modelmesh:maxMessageBytes"
ELEMENT_BYTES = 64
"""Bytes that an element of BYTES counts at least, on average: what the list and the object take in memory."""

MOST_TENSORS = 1024
"""Most inputs, requested outputs and parameters of a request.

An empty input is two bytes in a message, but about 1,000 as MLServer's object.
"""
MOST_DIMENSIONS = 32
"""Most dimensions of a tensor."""
JSON_FACTOR = 8
"""Limit of a JSON body, as a multiple of the limit of messages, so that the same tensors fit over both protocols.

JSON is longer than binary contents: `false, ` is 7 characters for one byte, a control character in a text is 6, and
`0.10000000149011612, ` is 21 for the 4 bytes of an FP32.
"""
JSON_MEMORY_FACTOR = 32
"""Limit of the memory that parsed JSON takes, as a multiple of the limit of messages."""


@cache  # cached: MLServer reads its settings when it imports this package
def most_bytes() -> int | None:
    """Most bytes of a request's tensors together; None if there is no limit."""
    most = Settings().grpc_max_message_length or 4 * 2**20
    return most if most > 0 else None
