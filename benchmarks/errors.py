"""The error of all benchmarks."""

from project.errors import UserError


class BenchmarkError(UserError):
    """A measurement failed or is not comparable; the message explains why."""
