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
    added = x.ndim - len(shape)
    repeated = tuple(i for i, n in enumerate(shape, start=added) if n == 1 and x.shape[i] != 1)
    axes = (*range(added), *repeated)
    return np.reshape(np.sum(x, axis=axes) if axes else x, shape)


def terms(x: Array, dim: Any) -> int:
    """How many entries of x are taken together when `dim` (None: all, or one, or several) is reduced."""
    axes = range(x.ndim) if dim is None else (dim if isinstance(dim, tuple) else (dim,))
    return math.prod(x.shape[i] for i in axes)
