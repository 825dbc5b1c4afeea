"""Command line for the everyday operations on a stack, which the Makefile calls."""
