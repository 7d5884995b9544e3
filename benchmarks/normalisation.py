"""Normalisation: moments of a row or a channel, then a pass that applies them."""

from benchmarks._operations import _Operations


class Normalisation(_Operations, subjects=("normalisation",)):
    """layer_norm, rms_norm, group_norm, batch_norm and normalize: bound by memory, read once or twice."""
