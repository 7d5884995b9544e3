"""Norms: a reduction with a power before and a root after it."""

from benchmarks._operations import _Operations


class Norms(_Operations, subjects=("norms",)):
    """The vector norms."""
