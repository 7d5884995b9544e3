"""Activations: one element in, one element out."""

from benchmarks._operations import _Operations


class Activations(_Operations, subjects=("activations",)):
    """relu, sigmoid and tanh: bound by memory, unless the function itself is dear."""
