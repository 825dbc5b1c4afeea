"""Models of the example stack."""
