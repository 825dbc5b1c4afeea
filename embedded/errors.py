"""The error that the command line prints without a traceback.

Its text says what is wrong, where, and what to do next. Any other exception is a defect and keeps its traceback.
"""


class EmbeddedError(Exception):
    """A command can't do its work because of the state of the machine."""
