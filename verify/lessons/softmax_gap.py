"""Softmax gap: whether softmax pulls scores apart, as differences, as ratios and as shares."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Note, Picture, Series

A = Arithmetic.of("float64")
# The factor at which the shares of the scores 2s and s meet, bracketed by halving (0, 2) so many times.
HALVINGS = 45
# Each share is 1/(1 + e) with e of relative error `elementary`, one sum and one quotient.
SHARE_ERROR = A.elementary + 2 * A.u


def _share(scale: float) -> float:
    """Softmax's share of the larger of the scores 2s and s."""
    scores = torch.tensor([2.0, 1.0], dtype=torch.float64) * scale
    return float(torch.softmax(scores, dim=0)[0])


def _meeting() -> float:
    low, high = 0.0, 2.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _share(middle) > 2 / 3 else (middle, high)
    return (low + high) / 2


def _pairs() -> Tensor:
    """1000 pairs of scores in (0, 4), larger first, spread evenly by multiples of √2 and √3."""
    k = torch.arange(1, 1001, dtype=torch.float64)
    pairs = 4 * torch.stack([(k * math.sqrt(2)) % 1, (k * math.sqrt(3)) % 1], dim=1)
    return pairs.sort(dim=1, descending=True).values


def _difference_and_ratio() -> tuple[Figure, ...]:
    large, small = torch.softmax(torch.tensor([2.0, 1.0], dtype=torch.float64), dim=0)
    return (
        Figure(
            "p₁ − p₂ for the scores 2 and 1",
            float(large - small),
            math.tanh(0.5),
            SHARE_ERROR + (A.u + A.elementary) * math.tanh(0.5),
            "each share errs by at most exp's error, a sum and a quotient, relative; the shares sum to 1; "
            "one subtraction and one tanh more",
        ),
        Figure(
            "p₁ / p₂ for the scores 2 and 1",
            float(large / small),
            math.e,
            (A.elementary + 4 * A.u) * math.e,
            "the denominator is common, so exp's error, two quotients, this one and the rounding of e remain",
        ),
    )


def _differences_widened() -> Figure:
    pairs = _pairs()
    shares, gaps = torch.softmax(pairs, dim=1), pairs[:, 0] - pairs[:, 1]
    return Figure(
        "pairs of 1000 whose difference softmax widens",
        float((shares[:, 0] - shares[:, 1] >= gaps).sum()),
        0.0,
        0.0,
        "tanh(d/2) ≤ d/2, and the least d among the pairs is 10¹¹ roundings: a count is exact",
    )


def _shares() -> tuple[Figure, ...]:
    low = torch.softmax(torch.tensor([0.2, 0.1], dtype=torch.float64), dim=0)[0]
    return (
        Figure(
            "factor s at which 2s and s keep their share 2/3",
            _meeting(),
            math.log(2),
            4.5 * (SHARE_ERROR + A.u) * 2 / 3 + 2 * 2.0**-HALVINGS,
            "σ(s) = 2/3 at s = ln 2 with slope 2/9, so errors of the share count 9/2 times; and the bracket",
        ),
        Figure(
            "softmax's share of 0.2 beside 0.1, less the plain share 2/3",
            float(low) - 2 / 3,
            1 / (1 + math.exp(-0.1)) - 2 / 3,
            2 * (SHARE_ERROR + 2 * A.u),
            "two evaluations of a share of at most 1, each with the rounding of 2/3 and of the difference",
        ),
    )


def _condition_broken() -> Figure:
    pairs = _pairs()
    widened = torch.softmax(pairs, dim=1)[:, 0] > pairs[:, 0] / pairs.sum(dim=1)
    predicted = pairs[:, 0] - pairs[:, 1] > torch.log(pairs[:, 0] / pairs[:, 1])
    return Figure(
        "pairs of 1000 that break the condition a − b > ln(a/b)",
        float((widened != predicted).sum()),
        0.0,
        0.0,
        "both sides are compared far from equality on these pairs: a count is exact",
    )


def _picture() -> Picture:
    scales = torch.linspace(0, 3, 61, dtype=torch.float64)
    return Picture(
        "Softmax widens a share only where the scores are large enough",
        "factor s on the scores (2s, s)",
        "share of the larger score",
        (
            Series.of("softmax", scales, [_share(float(s)) for s in scales]),
            Series.of("plain share 2s/(2s + s)", (0.0, 3.0), (2 / 3, 2 / 3)),
            Series.of("they meet at ln 2", (math.log(2),), (2 / 3,), "points"),
        ),
        notes=(Note(0.35, 0.53, "narrower"), Note(1.9, 0.81, "wider")),
    )


def _show() -> Demonstration:
    figures = (*_difference_and_ratio(), _differences_widened(), *_shares(), _condition_broken())
    return Demonstration(figures, _picture())


LESSON = Lesson(
    name="softmax_gap",
    title="Does softmax widen the gap between scores?",
    claim="Softmax widens the gap between scores: the large become larger and the small smaller.",
    formula="p_i − p_j = (p_i + p_j) tanh((x_i − x_j)/2);  p_i/p_j = exp(x_i − x_j)",
    holds=False,
    source="Goodfellow, Bengio & Courville, Deep Learning, §6.2.2.3; Carlson 1972, The logarithmic mean",
    show=_show,
    condition=(
        "As a difference, never: |p_i − p_j| ≤ tanh(d/2) < d/2 for scores d > 0 apart. As a ratio of "
        "positive scores a > b, exactly if a − b > ln(a/b), that is if their logarithmic mean (a − "
        "b)/ln(a/b) exceeds 1. As the share of the largest score x₁ of several positive ones, exactly if Σ "
        "exp(x_j − x₁) < Σ x_j/x₁; scores of 1 and more, not all equal, always do."
    ),
    counterexample=(
        "Scores 2 and 1 are 1 apart, their softmax 0.731 and 0.269 only 0.462. Scores 0.2 and 0.1 have the "
        "shares 0.667 and 0.333, their softmax 0.525 and 0.475."
    ),
)
