"""The mean squared error, which is not the 2-norm."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.arithmetic import Arithmetic, compounded
from verify.operation import Array, Domain, Formula, HardInput, Identity, Operation, Workload
from verify.records.lengths import of_all
from verify.records.logits import gradient_of
from verify.records.loss import BENCH, SUM, UNKNOWN_REDUCTION, batch, cost, infinite, mismatched, unreduced
from verify.records.refusals import not_a_tensor
from verify.records.sampling import normal


def _mse(x: Array, y: Array, reduction: str = "mean") -> Array:
    squares = (x - y) * (x - y)
    return {"none": lambda: squares, "sum": squares.sum, "mean": lambda: squares.sum() / squares.size}[
        reduction
    ]()


def _mse_bound(a: Arithmetic, x: Array, y: Array, reduction: str = "mean") -> Array:
    # The difference rounds and is squared (2u), the square is stored (u); all terms are positive, so the
    # sum adds γ relative to itself; the mean divides.
    terms = 0 if reduction == "none" else x.size
    return compounded(3 * a.u + (terms + 1) * a.w) * _mse(x, y, reduction) + (terms + 1) * a.smallest


def _mse_vjp(g: Array, x: Array, y: Array, reduction: str = "mean") -> tuple[Array, Array]:
    of_x = 2 * (x - y) * g / (x.size if reduction == "mean" else 1)
    return of_x, -of_x


def _mse_vjp_bound(
    a: Arithmetic, g: Array, x: Array, y: Array, reduction: str = "mean"
) -> tuple[Array, Array]:
    # 2(x − y)/n may be stored as a subnormal, and what that loses is multiplied by g.
    of_x = compounded(5 * a.u) * np.abs(_mse_vjp(g, x, y, reduction)[0]) + a.smallest * (1 + np.abs(g))
    return of_x, of_x


def _squared_norm(f: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(x - y) ** 2


def _mse_norm_bound(a: Arithmetic, x: Array, y: Array) -> Array:
    # |n·MSE/‖r‖₂² − 1| ≤ (2h + 6)u, h the depth of the summation; n terms in any order have h ≤ n. The
    # norm and its square round three times more, each stored.
    total = ((x - y) ** 2).sum()
    return compounded((2 * x.size + 6) * a.w + 12 * a.u) * total + x.size * a.smallest


MSE_LOSS = Operation(
    name="mse_loss",
    subject="losses",
    function=F.mse_loss,
    forward=Formula(
        "Σᵢ (xᵢ − yᵢ)² / n", _mse, _mse_bound, "γₙ of a sum of positive terms, Higham 2002, §4.2"
    ),
    vjp=Formula("∂x = 2g (x − y)/n, ∂y = −∂x", _mse_vjp, _mse_vjp_bound, "five roundings, Higham 2002, §3.1"),
    domain=Domain(
        normal,
        (
            HardInput("equal", lambda a: (np.array([1.5, -2.0]), np.array([1.5, -2.0]))),
            # The differences are exact and their squares tiny: a finite difference sees only what it adds.
            HardInput(
                "neighbours",
                lambda a: (np.array([1.0, 1.0]), np.array([1.0 + 2 * a.u, 1.0 - a.u])),
                far=True,
            ),
            HardInput(
                "near overflow",
                lambda a: (np.array([np.sqrt(a.largest) / 4, 0.0]), np.array([0.0, np.sqrt(a.largest) / 4])),
                far=True,
            ),
        ),
    ),
    check=(
        Workload("37", ((37,), (37,))),
        Workload("4x6-sum", ((4, 6), (4, 6)), {"reduction": "sum"}),
        Workload("3x5-none-transposed", ((3, 5), (3, 5)), {"reduction": "none"}, layout="transposed"),
    ),
    bench=BENCH,
    cost=cost(3),
    identities=(
        Identity(
            "n·MSE = ‖x − y‖₂²",
            lambda f, x, y: x.numel() * f(x, y),
            _squared_norm,
            lambda a, x, y: _mse_norm_bound(a, x, y) + a.u * ((x - y) ** 2).sum(),
            applies=lambda workload: not workload.options,
        ),
        Identity(
            "∇(n·MSE) = 2‖x − y‖₂ ∇‖x − y‖₂",
            lambda f, x, y: gradient_of(lambda z: z.numel() * f(z, y), x),
            lambda f, x, y: (
                2 * torch.linalg.vector_norm(x - y) * gradient_of(torch.linalg.vector_norm, x - y)
            ),
            # On the left the vjp's five roundings and n's product; on the right the norm's error twice, as a
            # factor and as the divisor of its gradient, and the difference, a quotient and two products.
            lambda a, x, y: (
                compounded(6 * a.u + (x.size + 3) * a.w + 2 * a.u + 6 * a.u) * 2 * np.abs(x - y)
                + (x.size + 2) * a.smallest
            ),
            applies=lambda workload: not workload.options,
        ),
        Identity(
            "MSE is not the 2-norm",
            lambda f, x, y: f(x, y),
            lambda f, x, y: torch.linalg.vector_norm(x - y),
            lambda a, x, y: (
                compounded((x.size + 6) * a.w + 6 * a.u) * (_mse(x, y) + np.sqrt(((x - y) ** 2).sum()))
            ),
            differs=True,
            applies=lambda workload: not workload.options,
        ),
        Identity(
            "mse_loss(x, y) = mse_loss(y, x)",
            lambda f, x, y, **options: f(x, y, **options),
            lambda f, x, y, **options: f(y, x, **options),
        ),
    ),
    special=infinite("MSELoss"),
    refuses=(mismatched(), not_a_tensor(2), UNKNOWN_REDUCTION),
    batch=batch,
    lengths=of_all(SUM, inputs=2),
    entrywise=unreduced,
)
