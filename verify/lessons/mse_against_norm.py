"""MSE against norm: how the mean squared error and the 2-norm of the same difference differ."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Picture, Series

A = Arithmetic.of("float64")
DIFFERENCE = (3.0, 4.0)


def _mse(d: Tensor) -> Tensor:
    loss: Tensor = torch.nn.functional.mse_loss(d, torch.zeros_like(d))
    return loss


def _norm(d: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(d)
    return norm


def _scaled_norm(d: Tensor) -> Tensor:
    """‖d‖ with the largest entry taken out, so that no square overflows."""
    largest = d.abs().max()
    return largest * _norm(d / largest)


def _gradient(function: Callable[[Tensor], Tensor], *d: float) -> Tensor:
    place = torch.tensor(d, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(function(place), place)[0]


def _largest_exponent(function: Callable[[Tensor], Tensor]) -> float:
    """The largest k for which four entries of 2ᵏ give a finite result; −∞ if there is none."""
    entries = (torch.full((4,), 2.0**k, dtype=torch.float64) for k in range(1023, 0, -1))
    return next((math.log2(float(d[0])) for d in entries if torch.isfinite(function(d))), -math.inf)


def _values() -> tuple[Figure, ...]:
    d = torch.tensor(DIFFERENCE, dtype=torch.float64)
    return (
        Figure("MSE of the difference (3, 4)", float(_mse(d)), 12.5, 0.0, "(9 + 16)/2 is exact"),
        Figure("2-norm of the difference (3, 4)", float(_norm(d)), 5.0, 0.0, "√25 is exact"),
    )


def _gradients() -> tuple[Figure, ...]:
    return (
        Figure(
            "norm of MSE's gradient at (3, 4)",
            float(_gradient(_mse, *DIFFERENCE).norm()),
            5.0,
            0.0,
            "2d/n = (3, 4), exact",
        ),
        Figure(
            "norm of the norm's gradient at (3, 4)",
            float(_gradient(_norm, *DIFFERENCE).norm()),
            1.0,
            4 * A.u,
            "d/‖d‖: each entry is divided and multiplied once, which makes 2u; the squares, sum and root of "
            "the norm itself two more",
        ),
    )


def _gradients_near_zero() -> tuple[Figure, ...]:
    return (
        Figure(
            "norm of MSE's gradient at 10⁻⁸ (3, 4)",
            float(_gradient(_mse, 3e-8, 4e-8).norm()),
            5e-8,
            6 * A.u * 5e-8,
            "2d/n: at most two roundings an entry, the norm's two, and that of 10⁻⁸ itself on both sides",
        ),
        Figure(
            "norm of the norm's gradient at 10⁻⁸ (3, 4)",
            float(_gradient(_norm, 3e-8, 4e-8).norm()),
            1.0,
            8 * A.u,
            "d/‖d‖ whatever the size: two roundings an entry, and squares, sum and root of two norms",
        ),
        Figure(
            "norm of the norm's gradient at 0",
            float(_gradient(_norm, 0, 0).norm()),
            0.0,
            0.0,
            "the norm has no gradient there; torch takes the subgradient 0",
        ),
    )


def _ranges() -> tuple[Figure, ...]:
    return (
        Figure(
            "largest k for which four differences of 2ᵏ have a finite MSE",
            _largest_exponent(_mse),
            510.0,
            0.0,
            "Σ = 2²ᵏ⁺² < 2¹⁰²⁴: k is a whole number",
        ),
        Figure(
            "the same for the norm with its largest entry taken out",
            _largest_exponent(_scaled_norm),
            1022.0,
            0.0,
            "2ᵏ·√4 < 2¹⁰²⁴: k is a whole number",
        ),
    )


def _picture() -> Picture:
    d = torch.tensor(DIFFERENCE, dtype=torch.float64)
    factors = torch.linspace(-1, 1, 81, dtype=torch.float64)
    return Picture(
        "MSE is a parabola, the norm has a corner at 0",
        "factor t on the difference (3, 4)",
        "loss",
        (
            Series.of("MSE: 12.5 t²", factors, [float(_mse(t * d)) for t in factors]),
            Series.of("2-norm: 5 |t|", factors, [float(_norm(t * d)) for t in factors]),
            Series.of("equal where the norm is n = 2, or 0", (-0.4, 0.0, 0.4), (2.0, 0.0, 2.0), "points"),
        ),
    )


def _show() -> Demonstration:
    return Demonstration((*_values(), *_gradients(), *_gradients_near_zero(), *_ranges()), _picture())


LESSON = Lesson(
    name="mse_against_norm",
    title="The mean squared error is not the 2-norm",
    claim="The mean squared error is the 2-norm of the difference.",
    formula="MSE = ‖d‖²/n;  ∇MSE = 2d/n;  ∇‖d‖ = d/‖d‖",
    holds=False,
    source="torch.nn.MSELoss, torch.linalg.vector_norm; Blue 1978, on the norm without overflow",
    show=_show,
    condition=(
        "n·MSE = ‖d‖², so the two agree exactly if ‖d‖ is 0 or n. Both have the same minimiser; MSE's "
        "gradient shrinks with the difference, the norm's has length 1 up to 0, where it has none."
    ),
    counterexample="d = (3, 4): MSE = 12.5, ‖d‖ = 5; the gradients are (3, 4) and (0.6, 0.8).",
)
