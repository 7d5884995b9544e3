"""Reductions: an array read once, little or nothing written."""

from benchmarks._operations import _Operations


class Reductions(_Operations, subjects=("reductions",)):
    """sum, mean, prod, the extrema and where they are: over all elements, rows or columns."""
