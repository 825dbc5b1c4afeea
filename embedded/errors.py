"""The error of the embedded node."""

from project.errors import UserError


class EmbeddedError(UserError):
    """A command can't do its work because of the state of the machine."""
