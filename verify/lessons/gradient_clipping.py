"""Gradient clipping: by norm, which keeps the direction, and by value, which turns it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Picture, Series

A = Arithmetic.of("float64")
# torch adds it to the norm it divides by.
EPS = 1e-6


def _clipped(clip: Callable[..., Any], limit: float, *gradient: float) -> Tensor:
    """What is left of a parameter's gradient."""
    parameter = torch.zeros(len(gradient), dtype=torch.float64)
    parameter.grad = torch.tensor(gradient, dtype=torch.float64)
    clip([parameter], limit)
    left: Tensor = parameter.grad
    return left


def _length(gradient: Tensor) -> float:
    return float(torch.linalg.vector_norm(gradient))


def _turn(before: tuple[float, float], after: Tensor) -> float:
    """The sine of the angle between a gradient before and after."""
    (a, b), (c, d) = before, after.tolist()
    # What is clipped to nothing has no direction.
    return float((a * d - b * c) / (math.hypot(a, b) * math.hypot(c, d) or math.nan))


def _lengths() -> tuple[Figure, ...]:
    scale = (
        "the norm, its sum with 10⁻⁶, a reciprocal, the limit, an entry, and the roundings of the measured "
        "norm and of the number beside it: ten in all"
    )
    return (
        Figure(
            "norm of (3, 4), clipped to the norm 1",
            _length(_clipped(clip_grad_norm_, 1.0, 3, 4)),
            5 / (5 + EPS),
            10 * A.u,
            scale,
        ),
        Figure(
            "norm of (0.6, 0.8), clipped to the norm 1",
            _length(_clipped(clip_grad_norm_, 1.0, 0.6, 0.8)),
            1 / (1 + EPS),
            12 * A.u,
            scale + "; two more for 0.6 and 0.8",
        ),
        Figure(
            "norm of 10⁻⁶ (1.2, 1.6), clipped to the norm 10⁻⁶, over it",
            _length(_clipped(clip_grad_norm_, 1e-6, 1.2e-6, 1.6e-6)) / 1e-6,
            2 / 3,
            16 * A.u,
            scale + "; six more for the rounded 10⁻⁶, 1.2·10⁻⁶ and 1.6·10⁻⁶",
        ),
        Figure(
            "norm of (0.3, 0.4), which needs no clipping",
            _length(_clipped(clip_grad_norm_, 1.0, 0.3, 0.4)),
            0.5,
            3 * A.u,
            "the factor is exactly 1; 0.3 and 0.4 and the norm are rounded",
        ),
    )


def _turns() -> tuple[Figure, ...]:
    return (
        Figure(
            "sine of the turn of (3, 4) by clipping its norm to 1",
            _turn((3, 4), _clipped(clip_grad_norm_, 1.0, 3, 4)),
            0.0,
            3 * A.u,
            "two products of 12c, each rounded twice, over 25c",
        ),
        Figure(
            "sine of the turn of (3, 4) by clipping its values to 1",
            _turn((3, 4), _clipped(clip_grad_value_, 1.0, 3, 4)),
            -1 / (5 * math.sqrt(2)),
            6 * A.u,
            "(3 − 4)/(5√2): lengths, product, quotient, and the same for the number beside it",
        ),
    )


def _picture() -> Picture:
    angles = torch.linspace(0, 2 * math.pi, 121, dtype=torch.float64)
    around = 1.25 * torch.stack([torch.cos(angles), torch.sin(angles)])
    norms, values = (
        torch.stack([_clipped(clip, 1.0, *gradient) for gradient in around.T.tolist()]).T
        for clip in (clip_grad_norm_, clip_grad_value_)
    )
    one = (1.25 * math.cos(0.3), 1.25 * math.sin(0.3))
    clipped = [_clipped(clip, 1.0, *one) for clip in (clip_grad_norm_, clip_grad_value_)]
    ends = torch.stack([torch.tensor(one, dtype=torch.float64), *clipped])
    return Picture(
        "Clipping to 1: by norm on the ray to the origin, by value off it",
        "∂/∂w₁",
        "∂/∂w₂",
        (
            Series.of("gradients of norm 1.25", *around),
            Series.of("clipped by norm", *norms),
            Series.of("clipped by value", *values),
            Series.of("ray of one gradient", (0.0, one[0]), (0.0, one[1])),
            Series.of("that gradient, clipped", ends[:, 0], ends[:, 1], "points"),
        ),
        equal=True,
    )


def _show() -> Demonstration:
    return Demonstration((*_lengths(), *_turns()), _picture())


LESSON = Lesson(
    name="gradient_clipping",
    title="Clipping a gradient, by norm and by value",
    claim="Clipping a gradient to c shortens it to c and keeps its direction.",
    formula="by norm: g·min(1, c/(‖g‖ + 10⁻⁶));  by value: min(max(g_i, −c), c)",
    holds=False,
    source="Pascanu, Mikolov & Bengio 2013; torch.nn.utils.clip_grad_norm_ and clip_grad_value_",
    show=_show,
    condition=(
        "By norm the direction stays, and the length is min(‖g‖, c) but for torch's 10⁻⁶: a part of about "
        "10⁻⁶/‖g‖ is lost, which is little only if ‖g‖ is far above 10⁻⁶. By value the direction stays "
        "exactly if no entry exceeds c in size, or all that are not 0 have one size."
    ),
    counterexample=(
        "(3, 4) clipped by value to 1 is (1, 1), of length 1.414 and turned by 8.1°. By norm, 10⁻⁶ (1.2, "
        "1.6) clipped to 10⁻⁶ has the length 0.667·10⁻⁶."
    ),
)
