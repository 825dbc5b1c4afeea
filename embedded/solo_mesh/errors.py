"""The one exception that crosses module borders: a gRPC status on its way to the caller."""

import grpc


class MeshError(Exception):
    """What the caller shall see: a status code and the details beside it."""

    def __init__(self, code: grpc.StatusCode, details: str, trailing: tuple[tuple[str, str | bytes], ...] = ()) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.details = details
        self.trailing = trailing

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> "MeshError":
        """The same status as a failed call, so that it passes through unchanged."""
        return cls(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))


def invalid(details: str) -> MeshError:
    """The request makes no sense."""
    return MeshError(grpc.StatusCode.INVALID_ARGUMENT, details)


def not_found(details: str) -> MeshError:
    """What it names is not there."""
    return MeshError(grpc.StatusCode.NOT_FOUND, details)


def already_exists(details: str) -> MeshError:
    """What it names is there, and is something else."""
    return MeshError(grpc.StatusCode.ALREADY_EXISTS, details)


def failed_precondition(details: str) -> MeshError:
    """Things are not as the request expects them."""
    return MeshError(grpc.StatusCode.FAILED_PRECONDITION, details)
