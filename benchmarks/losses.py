"""Losses: what a training step adds to its logits."""

from benchmarks._operations import _Operations


class Losses(_Operations, subjects=("losses",)):
    """cross_entropy, nll_loss and mse_loss: reads a large array, writes one number."""
