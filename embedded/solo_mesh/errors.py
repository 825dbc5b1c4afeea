"""The exception that crosses module boundaries: a gRPC status on its way to the caller."""

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


def invalid(details: str) -> MeshError:
    """Error for an invalid request."""
    return MeshError(grpc.StatusCode.INVALID_ARGUMENT, details)


def not_found(details: str) -> MeshError:
    """Error for a missing object."""
    return MeshError(grpc.StatusCode.NOT_FOUND, details)


def already_exists(details: str) -> MeshError:
    """Error for an object that already exists with other values."""
    return MeshError(grpc.StatusCode.ALREADY_EXISTS, details)


def failed_precondition(details: str) -> MeshError:
    """Error for a request whose preconditions are not met."""
    return MeshError(grpc.StatusCode.FAILED_PRECONDITION, details)
