"""Convolutions and pooling: products of matrices if the windows are laid out well, and passes over images."""

from benchmarks._operations import _Operations


class Convolution(_Operations, subjects=("convolution",)):
    """conv1d, conv2d and pooling: bound by arithmetic with many channels, by memory with few or one tap."""
