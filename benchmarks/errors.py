"""The error of all benchmarks."""


class BenchmarkError(Exception):
    """A measurement failed or is not comparable; the message explains why."""
