"""Convex from any start: descent on a convex function, where it must arrive and where it need not."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.lessons.descent import descend, held_off
from verify.picture import Field, Picture, Series

A = Arithmetic.of("float64")
MINIMUM = (1.0, -2.0)
# The Hessian is ½I plus at most [[1, 1], [1, 1]].
LEAST, GREATEST = 0.5, 2.5
RATE, STEPS = 1 / GREATEST, 400
REACH = 10


def bowl(places: Tensor) -> Tensor:
    """√(1 + (d₁ + d₂)²) + |d|²/4, d being the way from the minimum (1, −2). Shapes: (..., 2) to (...)."""
    d = places - torch.tensor(MINIMUM, dtype=torch.float64)
    return torch.sqrt(1 + d.sum(dim=-1) ** 2) + (d * d).sum(dim=-1) / 4


def _grid(points: int) -> Tensor:
    axis = torch.linspace(-REACH, REACH, points, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)


def _quartic(start: float, steps: int) -> float:
    """Where descent on x⁴ comes to with the learning rate 1/8."""
    path = descend(lambda x: x**4, torch.tensor(start, dtype=torch.float64), 1 / 8, steps)
    return float(path[-1])


def _show() -> Demonstration:
    ends = descend(bowl, _grid(11), RATE, STEPS)[-1]
    distance = (ends - torch.tensor(MINIMUM, dtype=torch.float64)).norm(dim=1)
    farthest = math.hypot(REACH + 1, REACH + 2)
    figures = (
        Figure(
            "largest distance from the minimum, of 121 starts",
            float(distance.max()),
            0.0,
            farthest * (1 - RATE * LEAST) ** STEPS + held_off(LEAST, RATE, math.sqrt(5) * A.u, 0.0),
            "a step leaves at most 1 − αμ = 0.8 of a distance and rounds (1, −2) once, by √5 u; the way from "
            "the minimum is exact near it, so the slope has no error to add",
        ),
        Figure(
            "x⁴ from 5, learning rate 1/8, after two steps",
            _quartic(5.0, 2),
            94997.1875,
            0.0,
            "5 − 500/8 = −57.5, then −57.5 + 57.5³/2: each number fits a float64, so nothing is rounded",
        ),
        Figure(
            "x⁴ from 1, learning rate 1/8, after two steps",
            _quartic(1.0, 2),
            0.4375,
            0.0,
            "1 − 1/2 = 0.5, then 0.5 − 0.5³/2: nothing is rounded",
        ),
    )
    starts = torch.tensor([[-9.0, 8.0], [0.0, 9.0], [9.0, 7.0], [-9.0, -1.0], [8.0, -9.0], [-6.0, -9.0]])
    paths = descend(bowl, starts.double(), RATE, 40)
    axis = torch.linspace(-REACH, REACH, 41, dtype=torch.float64)
    heights = bowl(torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1))
    picture = Picture(
        "Descent on a convex function: every start, one end",
        "x",
        "y",
        (
            *(
                Series.of(f"from ({a:g}, {b:g})".replace("-", "−"), paths[:, i, 0], paths[:, i, 1])
                for i, (a, b) in enumerate(starts.tolist())
            ),
            Series.of("starts", starts[:, 0], starts[:, 1], "points"),
            Series.of("minimum", MINIMUM[:1], MINIMUM[1:], "points"),
        ),
        field=Field.of(axis, axis, heights, (2, 5, 10, 17, 26, 40, 60, 85)),
        equal=True,
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="convex_from_any_start",
    title="Descent on a convex function",
    claim="On a convex function gradient descent reaches the global minimum from every start.",
    formula="x_{k+1} − x* = (I − αH)(x_k − x*), H a mean of Hessians; |1 − αh| < 1 for 0 < h ≤ L if α < 2/L",
    holds=False,
    source="Nesterov 2004, Introductory Lectures on Convex Optimization, §2.1.5",
    show=_show,
    condition=(
        "There is a minimum, the gradient is Lipschitz with a constant L, and the learning rate is below "
        "2/L. No local minimum can trap it on any convex function: each is a global one."
    ),
    counterexample=(
        "x⁴ is convex, but its gradient has no Lipschitz constant. With the learning rate 1/8 the start 1 "
        "goes to 0.5, 0.4375, ... and to 0; the start 5 goes to −57.5, 94997.2, ... and away."
    ),
)
