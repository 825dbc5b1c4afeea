"""Benchmarks that measure alternatives in turn during one run and compare them by ratios."""
