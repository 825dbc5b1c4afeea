"""What a benchmark ends with when it cannot go on."""


class BenchmarkError(Exception):
    """Nothing that can be compared was measured; the message says why, for whoever started it."""
