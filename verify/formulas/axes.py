"""Axes: what a reduction over dimensions leaves of a shape, and how many terms it takes together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verify.operation import Array


def kept(y: Any, shape: tuple[int, ...], dim: Any, keepdim: bool = False) -> Array:
    """A reduced array with its dimensions of size 1 put back, so that it broadcasts over its input.

    Shapes: `y` reduced from `shape` over `dim` (None: all); the result has as many dimensions as `shape`.
    """
    if keepdim:
        return np.reshape(y, np.shape(y))
    if dim is None:
        return np.reshape(y, (1,) * len(shape))
    restored: Array = np.expand_dims(y, dim)
    return restored


def summed_to(x: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of a broadcast input: summed over the dimensions that it was repeated along.

    Shapes: x as broadcast; the result has `shape`.
    """
    axes = summed_dims(x.shape, shape)
    return np.reshape(np.sum(x, axis=axes) if axes else x, shape)


def summed_dims(whole: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The dimensions of `whole` along which an input of `shape` is repeated."""
    added = len(whole) - len(shape)
    repeated = (i for i, n in enumerate(shape, start=added) if n == 1 and whole[i] != 1)
    return (*range(added), *repeated)


def reduced_shape(shape: tuple[int, ...], dim: Any, keepdim: bool) -> tuple[int, ...]:
    """What a reduction over `dim` (None: all, or one, or several) leaves of a shape."""
    several = range(len(shape)) if dim is None else (dim if isinstance(dim, tuple) else (dim,))
    taken = {d % len(shape) for d in several}
    sizes = ((i, 1 if i in taken else n) for i, n in enumerate(shape))
    return tuple(n for i, n in sizes if keepdim or i not in taken)


def terms(x: Array, dim: Any) -> int:
    """How many entries of x are taken together when `dim` (None: all, or one, or several) is reduced."""
    axes = range(x.ndim) if dim is None else (dim if isinstance(dim, tuple) else (dim,))
    return math.prod(x.shape[i] for i in axes)
