"""Moments: entries shifted by their mean and divided by their deviation, and the gradient of that."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.operation import Array

Axes = tuple[int, ...]


def mean(x: Any, axes: Axes) -> Any:
    """The mean over axes, which stay with size 1."""
    return x.sum(axis=axes, keepdims=True) / count(x, axes)


def count(x: Any, axes: Axes) -> int:
    """How many entries are taken together."""
    return math.prod(x.shape[i] for i in axes)


def unit(x: Any, axes: Axes) -> Array:
    """The power of two below the largest of exact inputs: no square of a quotient is far out. 1 for zeros.

    Shapes: that of x, with size 1 along the axes.
    """
    largest = np.abs(x).max(axis=axes, keepdims=True)
    # Inputs are exact, so that the same number comes of each arithmetic.
    number = np.asarray(getattr(largest, "value", largest), dtype=float)
    _, exponent = np.frexp(number)
    return np.where(number > 0, np.ldexp(1.0, exponent - 1), 1.0)


def reciprocal(
    x: Any, centre: Any, axes: Axes, eps: float, store: Callable[[Any], Any] = lambda value: value
) -> Any:
    """1/√(mean (x − centre)² + eps). `store` is what becomes of the mean before it is used."""
    # Beside eps small squares may vanish.
    scale = np.maximum(unit(x, axes), 1.0)
    d = (x - centre) / scale
    square = store(mean(d * d, axes))
    return 1 / (scale * np.sqrt(square + (0 * square + eps) / scale / scale))


def moments(x: Any, axes: Axes, eps: float) -> tuple[Any, Any]:
    """The mean over axes, and 1/√(variance + eps). Shapes: that of x, with size 1 along the axes."""
    centre = mean(x, axes)
    return centre, reciprocal(x, centre, axes, eps)


def standardised(x: Any, w: Any, b: Any, axes: Axes, eps: float) -> Any:
    """(x − mean)/√(variance + eps) times w, plus b. Shapes: w and b broadcast to x."""
    centre, scale = moments(x, axes, eps)
    return (x - centre) * scale * w + b


def standardised_vjp(g: Any, x: Any, w: Any, axes: Axes, eps: float) -> tuple[Any, Any]:
    """The gradient in x, and that in w before it is summed to the shape of w.

    With z = (x − mean)/√(variance + eps): ∂x = (g w − mean(g w) − z mean(g w z))/√(variance + eps), ∂w = g z.
    """
    centre, scale = moments(x, axes, eps)
    z, gw = (x - centre) * scale, g * w
    return scale * (gw - mean(gw, axes) - z * mean(gw * z, axes)), g * z


def in_linear_form(gw: Any, x: Any, centre: Any, scale: Any, axes: Axes) -> Any:
    """The gradient in x as ATen forms it for rows and groups: scale g w + b x + c.

    Shapes: `centre` and `scale`, the mean and the reciprocal deviation, broadcast to x.
    """
    n = count(x, axes)
    products, total = (gw * x).sum(axis=axes, keepdims=True), gw.sum(axis=axes, keepdims=True)
    b = (total * centre - products) * scale * scale * scale / n
    c = -b * centre - total * scale / n
    return scale * gw + b * x + c
