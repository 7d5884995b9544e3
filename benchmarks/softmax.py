"""Softmax and its kin: two passes over a row that must not overflow."""

from benchmarks._operations import _Operations


class Softmax(_Operations, subjects=("softmax",)):
    """softmax, log_softmax and logsumexp: bound by memory, then by the speed of exp."""
