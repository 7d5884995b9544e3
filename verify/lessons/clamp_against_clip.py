"""Clamp against clip: torch.clamp beside numpy.clip, in odd cases too, and its gradient at an edge."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Picture, Series

COUNT = "a count is exact"
# min and max: two-sided, one-sided, the same, the wrong way round, infinite.
EDGES: tuple[tuple[float | None, float | None], ...] = (
    (-1.0, 1.0),
    (-1.0, None),
    (None, 1.0),
    (0.5, 0.5),
    (2.0, -1.0),
    (-math.inf, math.inf),
    (math.nan, 1.0),
    (-1.0, math.nan),
)


def _inputs() -> Tensor:
    steps = torch.arange(-30, 31, dtype=torch.float64) / 10
    return torch.cat([steps, torch.tensor([math.inf, -math.inf, math.nan, 5e-324], dtype=torch.float64)])


def _differing() -> float:
    """Results that are other numbers in NumPy; nan counts as nan."""
    x = _inputs()
    differing = 0
    for low, high in EDGES:
        # On a tensor np.clip would call torch's own clip.
        ours, theirs = torch.clamp(x, low, high).numpy(), np.clip(x.numpy(), low, high)
        differing += int(((ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))).sum())
    return float(differing)


def _gradient(x: float, low: float, high: float) -> float:
    place = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    return float(torch.autograd.grad(torch.clamp(place, low, high), place)[0])


def _show() -> Demonstration:
    crossed = torch.clamp(_inputs()[:61], 2.0, -1.0)
    mask = "a gradient of clamp is a mask of ones and zeros"
    figures = (
        Figure("results of 65 × 8 that numpy.clip has otherwise", _differing(), 0.0, 0.0, COUNT),
        Figure("largest result with min = 2 above max = −1", float(crossed.max()), -1.0, 0.0, "no rounding"),
        Figure("least result with min = 2 above max = −1", float(crossed.min()), -1.0, 0.0, "no rounding"),
        Figure("gradient inside, at 0 in [−1, 1]", _gradient(0, -1, 1), 1.0, 0.0, mask),
        Figure("gradient outside, at 2 in [−1, 1]", _gradient(2, -1, 1), 0.0, 0.0, mask),
        Figure("gradient at the edge, at 1 in [−1, 1]", _gradient(1, -1, 1), 1.0, 0.0, mask),
        Figure("gradient at the edge, at −1 in [−1, 1]", _gradient(-1, -1, 1), 1.0, 0.0, mask),
        Figure(
            "gradient one float beyond the edge 1", _gradient(math.nextafter(1, 2), -1, 1), 0.0, 0.0, mask
        ),
    )
    x = _inputs()[5:56]
    inside = torch.linspace(-1, 1, 2)
    picture = Picture(
        "clamp(x, −1, 1): at an edge the gradient is that of the inside",
        "x",
        "value",
        (
            Series.of("clamp(x, −1, 1)", x, torch.clamp(x, -1, 1)),
            Series.of("numpy.clip", x[::5], np.clip(x[::5].numpy(), -1, 1), "points"),
            Series.of("gradient", (-2.5, -1, 1, 2.5), (0, 1, 0, 0), "steps"),
            Series.of("gradient at an edge", inside, [_gradient(float(e), -1, 1) for e in inside], "points"),
        ),
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="clamp_against_clip",
    title="clamp is numpy.clip, with a gradient",
    claim="`torch.clamp` gives what `numpy.clip` gives, also for nan, one edge, and min above max.",
    formula="clamp(x, a, b) = min(max(x, a), b);  its gradient is 1 for a ≤ x ≤ b, else 0",
    holds=True,
    source="torch.clamp; numpy.clip; Python Array API standard 2024.12, clip",
    show=_show,
    condition=(
        "As numbers: the sign of a zero at an edge of 0 is left open by both. If min is above max every "
        "number becomes max. At the edge itself clamp has no derivative; torch takes the inside's."
    ),
)
