"""The exception that crosses module boundaries: a gRPC status on its way to the caller."""

from functools import partial

import grpc


class MeshError(Exception):
    """Status code and details that the caller receives."""

    def __init__(self, code: grpc.StatusCode, details: str, trailing: tuple[tuple[str, str | bytes], ...] = ()) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.details = details
        self.trailing = trailing

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> "MeshError":
        """Error with the status of a failed call, so that it passes through unchanged."""
        return cls(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))


# The errors of most requests; each is called with its details.
invalid = partial(MeshError, grpc.StatusCode.INVALID_ARGUMENT)
not_found = partial(MeshError, grpc.StatusCode.NOT_FOUND)
already_exists = partial(MeshError, grpc.StatusCode.ALREADY_EXISTS)
failed_precondition = partial(MeshError, grpc.StatusCode.FAILED_PRECONDITION)
