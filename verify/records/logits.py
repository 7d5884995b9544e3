"""Logits: what softmax and its kin share, their formulas and where they have failed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic, compounded
from verify.formulas.axes import terms
from verify.operation import (
    Array,
    Cost,
    HardInput,
    Inputs,
    Special,
    Workload,
)
from verify.records.refusals import dim_out_of_range, not_a_tensor

BLANCHARD = (
    "Blanchard, Higham & Higham, Accurately computing the log-sum-exp and softmax functions, "
    "IMA J. Numer. Anal. 41 (2021)"
)

CHECK = (
    Workload("64-dim0", ((64,),), {"dim": 0}),
    Workload("3x17-dim1", ((3, 17),), {"dim": 1}),
    Workload("5x4-dim0-transposed", ((5, 4),), {"dim": 0}, layout="transposed"),
    Workload("6x6-dim-1-strided", ((6, 6),), {"dim": -1}, layout="strided"),
    Workload("1033-dim0", ((1033,),), {"dim": 0}),
    Workload("3x5x4-dim1", ((3, 5, 4),), {"dim": 1}),
)
BENCH = (
    Workload("1024x1024", ((1024, 1024),), {"dim": 1}),
    Workload("32x64", ((32, 64),), {"dim": 1}),
    Workload("64x50257", ((64, 50257),), {"dim": 1}),
    Workload("1024x1024-dim0", ((1024, 1024),), {"dim": 0}),
    Workload("1023x1025-strided", ((1023, 1025),), {"dim": 1}, layout="strided"),
)


def spread_by_two(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal logits of spread 2."""
    return tuple(2 * generator.standard_normal(shape) for shape in workload.shapes)


def _row(*numbers: float) -> Inputs:
    return (np.array([numbers]),)


def confident(a: Arithmetic) -> float:
    """The gap at which 1 + exp(−gap) rounds to 1 although exp(−gap) is a normal number."""
    return float(np.ceil(-np.log(a.u)))


def overflowing(a: Arithmetic) -> float:
    """The first whole number whose exp is infinite; further out, u·x alone would hide a result."""
    return float(np.ceil(np.log(a.largest)))


def vanishing(a: Arithmetic) -> float:
    """The first whole gap at which exp(−gap) rounds to 0."""
    return float(np.ceil(np.log(2) - np.log(a.smallest)))


def _rows_far_apart(a: Arithmetic) -> Inputs:
    far = max(overflowing(a), vanishing(a))
    return (np.array([[far, far - 1], [-far, 1 - far]]),)


def hard_rows(dim: int) -> tuple[HardInput, ...]:
    """Rows on which implementations have failed, with `dim` as their option."""
    options = {"dim": dim}
    return (
        HardInput("equal", lambda a: _row(3.0, 3.0, 3.0), options),
        HardInput("single", lambda a: _row(2.5), options),
        HardInput(
            "large and close",
            lambda a: _row(overflowing(a), overflowing(a) - 1, overflowing(a) + 1),
            options,
            far=True,
        ),
        HardInput(
            "very negative",
            lambda a: _row(-vanishing(a), -vanishing(a) - 1, 1 - vanishing(a)),
            options,
            far=True,
        ),
        HardInput("rows far apart", _rows_far_apart, options, far=True),
        HardInput("largest", lambda a: _row(a.largest / 2, 0.0, -a.largest / 2), options, far=True),
        HardInput("one wins", lambda a: _row(confident(a), 0.0), options, far=True),
        HardInput("vanishing", lambda a: _row(0.0, -vanishing(a), -1.0), options, far=True),
    )


def special_rows(*rows: tuple[tuple[float, ...], Any]) -> tuple[Special, ...]:
    """Rows of entries and the result that is required, for a nan and for the entries that are infinite."""
    source = "exp(−∞) = 0, exp ∞ = ∞, log 0 = −∞ (IEEE 754-2019, 9.2.1)"
    return tuple(
        Special(f"({', '.join(map(str, row))})", (np.array([row]),), np.array([result]), source, {"dim": 1})
        for row, result in rows
    )


def no_rows(*shape: int) -> Special:
    """No rows in give no rows out. Shapes: that of the result."""
    return Special("empty", (np.zeros((0, 3)),), np.zeros(shape), "no rows in, no rows out", {"dim": 1})


NAN, INF = math.nan, math.inf
REFUSES = (dim_out_of_range(), not_a_tensor(dim=0))


def shifted(x: Array, dim: Any) -> Array:
    """x − max x along a dimension: inputs are exact, so the maximum is too."""
    return x - x.max(axis=dim, keepdims=True)


def softmax(x: Array, dim: Any) -> Array:
    """exp xᵢ / Σⱼ exp xⱼ over dimensions. Shapes: that of x."""
    e = np.exp(shifted(x, dim))
    return e / e.sum(axis=dim, keepdims=True)


def log_softmax(x: Array, dim: int) -> Array:
    """xᵢ − log Σⱼ exp xⱼ along a dimension. Shapes: that of x."""
    d = shifted(x, dim)
    return d - np.log(np.exp(d).sum(axis=dim, keepdims=True))


def logsumexp(x: Array, dim: Any, keepdim: bool = False) -> Array:
    """log Σⱼ exp xⱼ over dimensions, which vanish unless they are kept."""
    m = x.max(axis=dim, keepdims=True)
    y = m + np.log(np.exp(x - m).sum(axis=dim, keepdims=True))
    return y if keepdim else y.squeeze(dim)


def error_of_sum(a: Arithmetic, x: Array, dim: Any) -> Array:
    """Relative error of Σ exp(xⱼ − max): each term's exponent is off by u|dⱼ|, exp adds its own, γ the sum's.

    The terms enter with weight pⱼ, so the error is Σ pⱼ u|dⱼ| rather than u·max|dⱼ| (the published
    bound, (n + 2 + 2(x_max − x_min))u for softmax, takes the maximum). The sum is stored once.
    """
    d, p = np.abs(shifted(x, dim)), softmax(x, dim)
    spread = (p * d).sum(axis=dim, keepdims=True)
    return a.u * spread + a.elementary + a.u + a.gamma(max(0, terms(x, dim) - 1))


def exponential_error(a: Arithmetic, exponent: Array, error: Array) -> Array:
    """Absolute error of exp at an exponent that is off by so much: exp(y + δ) − exp(y), then exp's own.

    Formed as one exponential: far out, exp(y) is 0 and exp(δ) infinite, and their product is neither.
    """
    moved = np.exp(exponent + error)
    return moved - np.exp(exponent) + (a.elementary + a.u) * moved


def softmax_bound(a: Arithmetic, x: Array, dim: int) -> Array:
    """Absolute error of exp(xᵢ − max)/Σ: of the numerator, the sum and the quotient."""
    d = shifted(x, dim)
    total = np.exp(d).sum(axis=dim, keepdims=True)
    numerator = exponential_error(a, d, a.u * np.abs(d)) / total
    quotient = compounded(error_of_sum(a, x, dim) + 2 * a.u)
    return numerator + (softmax(x, dim) + numerator) * quotient + a.smallest


def cost_of_rows(flops: float, writes: bool) -> Any:
    """A cost of so many flops an entry; the result is as large as the input, or next to nothing."""

    def cost(workload: Workload) -> Cost:
        n = float(math.prod(workload.shapes[0]))
        return Cost(flops * n, 2 * n, n) if writes else Cost(flops * n, n)

    return cost


def gradient_of(
    f: Any, x: torch.Tensor, cotangent: torch.Tensor | None = None, **options: Any
) -> torch.Tensor:
    """The gradient of ⟨cotangent, f(x)⟩ in x; of the sum of f(x) if no cotangent is given."""
    x = x.detach().clone().requires_grad_()
    y = f(x, **options)
    (gradient,) = torch.autograd.grad(y, x, torch.ones_like(y) if cotangent is None else cotangent)
    return gradient


def quarters(x: Array) -> Array:
    """The nearest multiples of 1/4, to which 4 is added without rounding."""
    return np.round(4 * x) / 4
