"""Limit of one request in bytes: that of MLServer's messages, MLSERVER_GRPC_MAX_MESSAGE_LENGTH.

A stack sets the variable to the limit of its mesh, the configuration key `maxMessageBytes`.
"""

from functools import cache

from mlserver.settings import Settings

HOW_TO_RAISE = "MLSERVER_GRPC_MAX_MESSAGE_LENGTH sets the limit, in a stack by the key modelmesh:maxMessageBytes"
ELEMENT_BYTES = 64
"""Bytes that an element of BYTES counts at least, on average: what the list and the object take in memory."""


@cache  # cached: MLServer reads its settings when it imports this package
def most_bytes() -> int | None:
    """Most bytes of a request's tensors together; None if there is no limit."""
    most = Settings().grpc_max_message_length or 4 * 2**20
    return most if most > 0 else None
