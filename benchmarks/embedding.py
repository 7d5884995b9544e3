"""Embedding: rows picked from a table that may not fit into any cache."""

from benchmarks._operations import _Operations


class Embedding(_Operations, subjects=("embedding",)):
    """embedding: bound by memory read out of order; its gradient by writing the whole table."""
