"""Measurements of two or more things against each other, in one run: what counts is their ratios."""
