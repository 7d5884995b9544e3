"""Saddle: a place where the gradient vanishes and nothing is least."""

from __future__ import annotations

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.lessons.descent import descend, held_off
from verify.picture import Field, Note, Picture, Series

A = Arithmetic.of("float64")
RATE, STEPS = 0.125, 500


def saddle(places: Tensor) -> Tensor:
    """x⁴/4 − x²/2 + y²/2, a saddle between minima at (−1, 0) and (1, 0). Shapes: (..., 2) to (...)."""
    x, y = places.unbind(dim=-1)
    return x**4 / 4 - x**2 / 2 + y**2 / 2


def _at_the_saddle() -> tuple[Figure, ...]:
    origin = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    gradient = torch.autograd.grad(saddle(origin), origin)[0]
    hessian = torch.func.hessian(saddle)(origin.detach())
    low, high = torch.linalg.eigvalsh(hessian).tolist()
    return (
        Figure(
            "norm of the gradient at (0, 0)",
            float(gradient.norm()),
            0.0,
            0.0,
            "every term of x³ − x and y is 0 there",
        ),
        Figure(
            "least eigenvalue of the Hessian at (0, 0)",
            low,
            -1.0,
            0.0,
            "the Hessian is diag(3x² − 1, 1), exact at 0, and a diagonal matrix holds its eigenvalues",
        ),
        Figure(
            "greatest eigenvalue of the Hessian at (0, 0)",
            high,
            1.0,
            0.0,
            "the Hessian is diag(3x² − 1, 1), exact at 0, and a diagonal matrix holds its eigenvalues",
        ),
    )


def _after_descent() -> tuple[Figure, ...]:
    starts = torch.tensor([[0.0, 1.0], [1e-6, 1.0]], dtype=torch.float64)
    ridge, beside = descend(saddle, starts, RATE, STEPS)[-1]
    return (
        Figure(
            "distance from the saddle, started on its ridge at (0, 1)",
            float(ridge.norm()),
            0.0,
            (1 - RATE) ** STEPS * (1 + A.gamma(2 * STEPS)),
            "x stays 0 and y shrinks by 7/8 a step, rounded twice a step",
        ),
        Figure(
            "distance from the minimum (1, 0), started at (10⁻⁶, 1)",
            float((beside - torch.tensor([1.0, 0.0], dtype=torch.float64)).norm()),
            0.0,
            # The curvature along x is 2 there, along y 1; y goes down to nothing by itself.
            held_off(2.0, RATE, A.u, A.elementary + A.u) + (1 - RATE) ** STEPS * 2,
            "x³ − x errs by a power and a product near x = 1, and x by one rounding a step, carried on by "
            "the factor 1 − 2α; y shrinks by 7/8 a step",
        ),
    )


def _picture() -> Picture:
    drawn = descend(saddle, torch.tensor([[0.0, 1.2], [0.02, 1.2]], dtype=torch.float64), RATE, 80)
    across = torch.linspace(-1.6, 1.6, 49, dtype=torch.float64)
    along = torch.linspace(-1.4, 1.4, 43, dtype=torch.float64)
    heights = saddle(torch.stack(torch.meshgrid(across, along, indexing="xy"), dim=-1))
    return Picture(
        "A saddle holds only what starts exactly on its ridge",
        "x",
        "y",
        (
            Series.of("from (0, 1.2)", drawn[:, 0, 0], drawn[:, 0, 1]),
            Series.of("from (0.02, 1.2)", drawn[:, 1, 0], drawn[:, 1, 1]),
            Series.of("saddle", (0.0,), (0.0,), "points"),
            Series.of("minima", (-1.0, 1.0), (0.0, 0.0), "points"),
        ),
        field=Field.of(across, along, heights, (-0.2, -0.1, 0.0, 0.1, 0.3, 0.6, 1.0)),
        notes=(Note(-0.72, -0.3, "gradient 0, eigenvalues −1 and 1"),),
        equal=True,
    )


def _show() -> Demonstration:
    return Demonstration((*_at_the_saddle(), *_after_descent()), _picture())


LESSON = Lesson(
    name="saddle",
    title="A gradient of zero is not yet a minimum",
    claim="Where the gradient is zero, there is a minimum.",
    formula="f(x, y) = x⁴/4 − x²/2 + y²/2;  ∇f = (x³ − x, y);  H = diag(3x² − 1, 1)",
    holds=False,
    source="Nocedal & Wright, Numerical Optimization, 2nd ed., theorems 2.3 and 2.4; Dauphin et al. 2014",
    show=_show,
    condition=(
        "A zero gradient with a Hessian whose eigenvalues are all positive is a strict local minimum; with "
        "eigenvalues of both signs it is a saddle, and never a minimum. On a convex function a zero gradient "
        "is enough."
    ),
    counterexample=(
        "At (0, 0) the gradient is (0, 0) and the Hessian's eigenvalues are −1 and 1. A start 10⁻⁶ beside "
        "the ridge ends in the minimum (1, 0)."
    ),
)
