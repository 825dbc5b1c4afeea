"""Errors of the commands."""

from project.errors import UserError


class CommandError(UserError):
    """A command failed, in any function of this package."""


class EngineError(CommandError):
    """The engine failed after printing the reason; `code` is its exit code."""

    def __init__(self, operation: str, code: int) -> None:
        super().__init__(f"pulumi {operation} failed with exit code {code}: see above")
        self.code = code


class DriftError(CommandError):
    """The cluster, or the program, differs from what was deployed."""

    exit_code = 7  # that of the engine for `pulumi preview --expect-no-changes`
