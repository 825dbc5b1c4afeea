"""The one error that the command line prints without a traceback.

Its text says what is wrong, where, and what to do next; everything else that is raised is a defect and keeps its
traceback.
"""


class EmbeddedError(Exception):
    """Something on the machine, not in the program, keeps a command from doing its work."""
