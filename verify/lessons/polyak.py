"""Polyak: how fast descent is on a quadratic at its best step, with momentum and without."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.lessons.descent import descend
from verify.picture import Picture, Series

A = Arithmetic.of("float64")
LEAST, GREATEST = 1.0, 100.0
CONDITION = GREATEST / LEAST
PLAIN = (CONDITION - 1) / (CONDITION + 1)
HEAVY = (math.sqrt(CONDITION) - 1) / (math.sqrt(CONDITION) + 1)
STEPS = 800


def quadratic(place: Tensor) -> Tensor:
    """½ (x² + 100 y²)."""
    return (torch.tensor([LEAST, GREATEST], dtype=torch.float64) * place * place).sum() / 2


def _distances(rate: float, momentum: float) -> Tensor:
    start = torch.ones(2, dtype=torch.float64)
    distances: Tensor = descend(quadratic, start, rate, STEPS, momentum).norm(dim=1)
    return distances


def _rate(distances: Tensor) -> float:
    """The factor a step, as a mean over the second half."""
    return math.pow(float(distances[STEPS] / distances[STEPS // 2]), 2 / STEPS)


def _steps(distances: Tensor) -> float:
    """The first step whose distance is at most a millionth of the first; infinite if there is none."""
    near = (distances <= 1e-6 * distances[0]).nonzero()
    return float(near[0]) if len(near) else math.inf


def _predicted(factor: float, flat: float, steep: float) -> float:
    """The same where the directions of μ and L go as (1 + ck)ρᵏ, c being `flat` and `steep`."""
    distances = (factor**k * math.hypot(1 + flat * k, 1 + steep * k) for k in range(STEPS + 1))
    return float(next(k for k, distance in enumerate(distances) if distance <= 1e-6 * math.sqrt(2)))


def _show() -> Demonstration:
    plain = _distances(2 / (LEAST + GREATEST), 0.0)
    heavy = _distances(4 / (math.sqrt(GREATEST) + math.sqrt(LEAST)) ** 2, HEAVY**2)
    crossing = "the closed form crosses 10⁻⁶ between two steps, further from either than rounding reaches"
    figures = (
        Figure(
            "factor a step of plain descent at α = 2/(μ + L)",
            _rate(plain),
            PLAIN,
            # 1 − αL takes the error of αL < 2: α, the slope's three roundings, and the subtraction.
            (2 * 5 * A.u + A.u) + (5 * A.u + 2 * A.elementary / STEPS) * PLAIN,
            "both directions shrink by exactly (κ − 1)/(κ + 1); a step rounds rate, slope and place",
        ),
        Figure(
            "factor a step with Polyak's step and momentum",
            _rate(heavy),
            HEAVY,
            HEAVY * math.expm1(2 * math.log(2) / STEPS),
            "both directions go as (1 + ck)ρᵏ, c > 0, a double root, so between k = 400 and 800 the distance "
            "shrinks by ρ⁴⁰⁰ times 1 to 2; rounding splits the root by far less",
        ),
        Figure(
            "steps of plain descent to a millionth", _steps(plain), _predicted(PLAIN, 0, 0), 0.0, crossing
        ),
        Figure(
            "steps with Polyak's momentum to a millionth",
            _steps(heavy),
            _predicted(HEAVY, 1 - HEAVY, 1 + HEAVY),
            0.0,
            crossing,
        ),
    )
    steps = torch.arange(0, 201)
    picture = Picture(
        "Descent on a quadratic of condition 100, each at its best step",
        "step",
        "distance from the minimum",
        (
            Series.of("plain descent", steps, plain[:201]),
            Series.of("Polyak's momentum", steps, heavy[:201]),
            Series.of("((κ − 1)/(κ + 1))ᵏ", steps[::10], [PLAIN ** int(k) for k in steps[::10]], "points"),
            Series.of("((√κ − 1)/(√κ + 1))ᵏ", steps[::10], [HEAVY ** int(k) for k in steps[::10]], "points"),
        ),
        y_log=True,
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="polyak",
    title="Polyak's momentum takes the root of the condition number",
    claim="At its best, momentum makes descent as fast as if the condition number were its square root.",
    formula="plain: ρ = (κ − 1)/(κ + 1); α = 4/(√L + √μ)², m = ρ²: ρ = (√κ − 1)/(√κ + 1)",
    holds=True,
    source="Polyak 1964; Goh 2017, Why Momentum Really Works, Distill",
    show=_show,
    condition="A quadratic whose least and largest eigenvalue, μ and L, are known: κ = L/μ.",
)
