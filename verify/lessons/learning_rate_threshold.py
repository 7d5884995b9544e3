"""Learning rate threshold: the rate at which descent on a quadratic tips over, found by halving."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.lessons.descent import descend
from verify.picture import Note, Picture, Series

A = Arithmetic.of("float64")
# Eigenvalues 1 along (1, −1) and 4 along (1, 1); the start has a part of both.
MATRIX = ((2.5, 1.5), (1.5, 2.5))
LEAST, GREATEST = 1.0, 4.0
START = (1.0, 0.0)
LOW, HIGH, HALVINGS = 0.25, 0.8, 20
STEPS = 100


def quadratic(place: Tensor) -> Tensor:
    """½ xᵀHx."""
    return place @ torch.tensor(MATRIX, dtype=torch.float64) @ place / 2


def _growth(rate: float) -> float:
    """What a step makes of the distance from the minimum, as a mean over the second hundred steps."""
    path = descend(quadratic, torch.tensor(START, dtype=torch.float64), rate, 2 * STEPS)
    first, second = torch.linalg.vector_norm(path[[STEPS, 2 * STEPS]], dim=1)
    return math.pow(float(second / first), 1 / STEPS)


def _threshold() -> float:
    low, high = LOW, HIGH
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _growth(middle) > 1 else (middle, high)
    return (low + high) / 2


def _show() -> Demonstration:
    best = 2 / (LEAST + GREATEST)
    at_threshold = descend(quadratic, torch.tensor([1.0, 1.0], dtype=torch.float64), 2 / GREATEST, STEPS)
    figures = (
        Figure(
            "rate at which descent turns from converging to diverging",
            _threshold(),
            2 / GREATEST,
            (HIGH - LOW) / 2 ** (HALVINGS + 1),
            "half of the last bracket, under 10⁻⁶; a rounding of 10⁻¹⁶ a step moves the threshold no further",
        ),
        Figure(
            "distance after 100 steps at the rate 2/L itself, over the first",
            float(at_threshold[-1].norm() / at_threshold[0].norm()),
            1.0,
            0.0,
            "1 − αL = −1, and along (1, 1) every number of a step fits a float64: x turns its sign for ever",
        ),
        Figure(
            "factor a step at the best rate, 2/(μ + L)",
            _growth(best),
            (GREATEST - LEAST) / (GREATEST + LEAST),
            _growth_error(best),
            "the direction of either eigenvalue shrinks by exactly 3/5 a step; a step errs by the product Hx "
            "and three roundings, relative to the largest entry, over the least factor",
        ),
    )
    rates = torch.linspace(0.05, 0.6, 45, dtype=torch.float64).tolist()
    picture = Picture(
        "Descent on a quadratic tips over at the learning rate 2/L",
        "learning rate α",
        "factor on the distance, a step",
        (
            Series.of("measured", rates, [_growth(rate) for rate in rates], "points"),
            Series.of("|1 − αμ|, μ = 1", rates, [abs(1 - rate * LEAST) for rate in rates]),
            Series.of("|1 − αL|, L = 4", rates, [abs(1 - rate * GREATEST) for rate in rates]),
            Series.of("1: neither nearer nor farther", (0.05, 0.6), (1.0, 1.0)),
        ),
        notes=(Note(0.505, 0.9, "2/L"), Note(0.405, 0.38, "2/(μ + L)")),
    )
    return Demonstration(figures, picture)


def _growth_error(rate: float) -> float:
    """The error of `_growth` at the best rate, where both directions shrink alike.

    A step's error, relative to the norm of its result: Hx has γ₄ of |H||x| (two products in the gradient's
    two halves), at most 4|x| in norm, α of it; the subtraction rounds. All over the factor, 3/5.
    """
    factor = (GREATEST - LEAST) / (GREATEST + LEAST)
    a_step = (rate * GREATEST * A.gamma(4) + 2 * A.u * (1 + rate * GREATEST)) / factor
    # The rate itself is rounded: 1 − αL takes that by αL. The norms and the root round five times more.
    return float(factor * (a_step + rate * GREATEST * A.u / factor + 5 * A.u + 2 * A.elementary / STEPS))


LESSON = Lesson(
    name="learning_rate_threshold",
    title="The learning rate at which descent tips over",
    claim="On a quadratic, descent converges below one exact learning rate and diverges above it.",
    formula="x_{k+1} = (I − αH) x_k: converges exactly if |1 − αλ| < 1 for each eigenvalue λ, i.e. α < 2/L",
    holds=True,
    source="LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, §5",
    show=_show,
    condition=(
        "L is the largest eigenvalue of the Hessian, the least is above 0, and the start has a part along "
        "L's eigenvector. Fastest is 2/(μ + L), μ being the least eigenvalue."
    ),
)
