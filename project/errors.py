"""The error that command lines print without a traceback.

Its message says what is wrong, where, and what to do next. Any other exception is a defect and keeps its traceback.
"""


class UserError(Exception):
    """A command can't do its work, for a reason that its user can remove."""

    exit_code = 1
