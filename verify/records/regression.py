"""Regression: what a linear map of rows shares with another, whatever loss it is trained on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.operation import Cost, Inputs, Refusal, Special, Workload


def to_inputs(e: Any, x: Any, w: Any) -> tuple[Any, Any, Any]:
    """The gradients of x, w and b, from that of z = xw + b: ∂zᵢ/∂wⱼ = xᵢⱼ, ∂zᵢ/∂xᵢⱼ = wⱼ, ∂zᵢ/∂b = 1.

    Every row i adds its part to those of w and b. Shapes: `e` that of z.
    """
    of_x = e @ w.T if e.ndim == 2 else e[:, None] * w
    return of_x, x.T @ e, e.sum(0)


def share(g: Any, count: float, rows: int) -> Any:
    """g·count/n, formed in the arithmetic of g: no float holds a third."""
    return g * ((0 * g + count) / rows)


def vectors(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal rows, targets and biases, and weights with which Σ xw has spread 1 for any number."""
    x, t, w, b = (np.asarray(generator.standard_normal(shape)) for shape in workload.shapes)
    return x, t, w / math.sqrt(x.shape[1]), b


def cost(flops: float) -> Callable[[Workload], Cost]:
    """A multiplication and an addition a weight and row, and so many flops an entry of z."""

    def of(workload: Workload) -> Cost:
        x, t, w, b = workload.shapes
        flops_of_loss = flops * x[0] * math.prod(b)
        return Cost(
            2.0 * x[0] * math.prod(w) + flops_of_loss, float(sum(map(math.prod, (x, t, w, b)))), written=1.0
        )

    return of


def shapes(rows: int, width: int, *classes: int) -> tuple[tuple[int, ...], ...]:
    """The shapes of rows, targets, weights and bias: a number a row, or one for every class."""
    return (rows, width), (rows,), (width, *classes), classes


CHECK = (
    Workload("7x3", shapes(7, 3)),
    Workload("1x4", shapes(1, 4)),
    Workload("6x6-transposed", shapes(6, 6), layout="transposed"),
    Workload("37x2", shapes(37, 2)),
    Workload("5x41-strided", shapes(5, 41), layout="strided"),
    Workload("9x5-strided", shapes(9, 5), layout="strided"),
)
BENCH = (
    Workload("4096x256", shapes(4096, 256)),
    Workload("100x1", shapes(100, 1)),
    Workload("100003x8", shapes(100_003, 8)),
    Workload("1023x785-strided", shapes(1023, 785), layout="strided"),
)
OTHER_WIDTH = Refusal(
    "another number of weights", lambda f, tensor: f(tensor(3, 2), tensor(3), tensor(4), tensor())
)
WHOLE_WEIGHTS = Refusal(
    "weights of int64",
    lambda f, tensor: f(tensor(3, 2), tensor(3), tensor(2).long(), tensor()),
)


def points(x: Any, t: Any, w: Any, b: Any = 0.0) -> Inputs:
    """Rows, targets, weights and bias from plain numbers."""
    return np.array(x), np.array(t), np.array(w), np.array(b)


def nan_row(t: Any, w: Any, b: Any) -> Special:
    """A row that is no number makes the loss none."""
    return Special("nan", points([[math.nan], [2.0]], t, w, b), np.array(math.nan), "IEEE 754-2019, 6.2")


def no_rows(t: Any, w: Any, b: Any) -> Special:
    """The mean over no rows is no number."""
    source = "the mean of no numbers is nan, Python array API standard 2024.12, mean"
    return Special("no rows", (np.zeros((0, len(w))), t, w, b), np.array(math.nan), source)
