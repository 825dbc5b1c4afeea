"""Errors of the commands."""

from project.errors import UserError

_STACK_NOT_FOUND = 6
"""The engine's exit code for a stack that its backend does not have."""


class CommandError(UserError):
    """A command failed, in any function of this package."""


class EngineError(CommandError):
    """The engine failed after printing the reason; `code` is its exit code, and `stack` names the stack."""

    def __init__(self, operation: str, code: int, stack: str) -> None:
        cure = f"; `pulumi stack init {stack}` makes the stack" if code == _STACK_NOT_FOUND else ""
        super().__init__(f"pulumi {operation} failed with exit code {code}: see above{cure}")
        self.code = code


class DriftError(CommandError):
    """The cluster, or the program, differs from what was deployed."""

    exit_code = 7  # that of the engine for `pulumi preview --expect-no-changes`
