"""Himmelblau: a function of four minima, and which of them descent finds."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.lessons.descent import descend, held_off
from verify.picture import Field, Picture, Series

A = Arithmetic.of("float64")
# The roots of x² + y = 11 and x + y² = 7, rounded to float64, each with a start that leads there.
MINIMA = (
    ((3.0, 2.0), (0.0, 0.0)),
    ((-2.805118086952745, 3.131312518250573), (-1.0, 4.0)),
    ((-3.779310253377747, -3.283185991286170), (-1.0, -4.0)),
    ((3.584428340330492, -1.848126526964404), (4.0, -4.0)),
)
RATE, STEPS = 0.005, 1000
REACH = 5


def himmelblau(places: Tensor) -> Tensor:
    """(x² + y − 11)² + (x + y² − 7)². Shapes: (..., 2) to (...)."""
    x, y = places.unbind(dim=-1)
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def _bound(x: float, y: float) -> float:
    """How far rounding may hold descent off the minimum (x, y)."""
    place = torch.tensor([x, y], dtype=torch.float64)
    least = float(torch.linalg.eigvalsh(torch.func.hessian(himmelblau)(place)).min())
    # The residuals are x² + y − 11 and x + y² − 7: the square rounds, then the sum, of size 11 and 7.
    first, second = A.u * (x * x + 11), A.u * (y * y + 7)
    slope = math.hypot(4 * abs(x) * first + 2 * second, 2 * first + 4 * abs(y) * second)
    # The place rounds in every step, and the root that it is compared with has been rounded once.
    return held_off(least, RATE, A.u * math.hypot(x, y), slope) + A.u * math.hypot(x, y)


def _place(x: float, y: float) -> str:
    return f"({x:.4g}, {y:.4g})".replace("-", "−")


def _nearest(ends: Tensor) -> tuple[Tensor, Tensor]:
    """Which minimum each end is nearest to, and how far it is from it."""
    minima = torch.tensor([minimum for minimum, _ in MINIMA], dtype=torch.float64)
    distance = torch.linalg.vector_norm(ends[:, None] - minima, dim=2)
    return distance.argmin(dim=1), distance.min(dim=1).values


def _show() -> Demonstration:
    starts = torch.tensor([start for _, start in MINIMA], dtype=torch.float64)
    paths = descend(himmelblau, starts, RATE, STEPS)
    found, distance = _nearest(paths[-1])
    axis = torch.linspace(-4.8, 4.8, 13, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    basin, off = _nearest(descend(himmelblau, grid, RATE, STEPS)[-1])
    bounds = [_bound(*minimum) for minimum, _ in MINIMA]
    figures = (
        *(
            Figure(
                f"distance from {_place(x, y)}, started at {_place(a, b)}",
                float(distance[i]) if int(found[i]) == i else math.inf,
                0.0,
                bounds[i],
                "the roundings of the residuals and of the place, over the least eigenvalue of the Hessian "
                "there; 1000 steps leave nothing of the start",
            )
            for i, ((x, y), (a, b)) in enumerate(MINIMA)
        ),
        Figure(
            "starts of a grid of 169 that end in one of the four",
            float((off <= torch.tensor(bounds, dtype=torch.float64)[basin]).sum()),
            169.0,
            0.0,
            "an end counts that lies within the bound above of its minimum, and a count is exact",
        ),
    )
    fine = torch.linspace(-REACH, REACH, 41, dtype=torch.float64)
    heights = himmelblau(torch.stack(torch.meshgrid(fine, fine, indexing="xy"), dim=-1))
    series = [
        Series.of(f"ends in {_place(x, y)}", grid[basin == i][:, 0], grid[basin == i][:, 1], "points")
        for i, ((x, y), _) in enumerate(MINIMA)
    ]
    series += [
        Series.of(f"path from {_place(a, b)}", paths[:200, i, 0], paths[:200, i, 1])
        for i, (_, (a, b)) in enumerate(MINIMA)
    ]
    picture = Picture(
        "Himmelblau's function: the start decides which minimum is found",
        "x",
        "y",
        tuple(series),
        field=Field.of(fine, fine, heights, (10, 40, 90, 160, 300, 500)),
        equal=True,
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="himmelblau",
    title="Four minima, and the start decides",
    claim="On a function that is not convex, the start decides which minimum descent finds.",
    formula="f(x, y) = (x² + y − 11)² + (x + y² − 7)²; f = 0 at four places and nowhere below",
    holds=True,
    source="Himmelblau 1972, Applied Nonlinear Programming",
    show=_show,
)
