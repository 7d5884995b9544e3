"""Matrix norms by singular values: spectral and nuclear."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic, compounded
from verify.formulas.singular import singular_triplets
from verify.operation import (
    Array,
    Cost,
    Domain,
    Formula,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.operations.matrix_norms import REFUSES, matrix
from verify.operations.norms import frobenius, frobenius_bound

_ALL_ZERO = (
    "torch.linalg.matrix_norm: a matrix of zeros, or of no entries, has no other singular value than 0"
)


def _singular_norm(x: Array, ord: Any = 2) -> Array:
    _, s, _ = singular_triplets(x)
    return np.asarray(s[0]) if ord == 2 else np.asarray(s.sum())


def _singular_norm_vjp(g: Array, x: Array, ord: Any = 2) -> tuple[Array]:
    """g u₁v₁ᵀ for the largest singular value; g Σ uᵢvᵢᵀ for their sum. The signs of a pair cancel."""
    u, _, v = singular_triplets(x)
    kept = 1 if ord == 2 else u.shape[1]
    return (np.reshape(g, (1, 1)) * (u[:, :kept] @ v[:, :kept].T),)


def _backward_error(a: Arithmetic, x: Array) -> float:
    """‖Δ‖F of the nearby matrix of which the computed singular values are exact.

    Reflections from both sides: each side ‖Δ‖F ≤ r γₘ ‖x‖F with m the longer dimension and r the shorter.
    Source: Higham 2002, theorem 19.4; LAPACK Users' Guide, 3rd ed., §4.9.
    """
    shorter, longer = sorted(x.shape)
    return float(2 * shorter * a.gamma(longer) * frobenius(x))


def _singular_bound(a: Arithmetic, x: Array, ord: Any = 2) -> Array:
    # Weyl: no σ moves by more than ‖Δ‖₂. Mirsky: Σ|Δσ| ≤ ‖Δ‖∗ ≤ √r ‖Δ‖F.
    r = min(x.shape)
    moved = _backward_error(a, x) * (1 if ord == 2 else np.sqrt(r))
    return np.asarray(moved + (a.gamma(r) + a.u) * _singular_norm(x, ord))


def _singular_vjp_bound(a: Arithmetic, g: Array, x: Array, ord: Any = 2) -> tuple[Array]:
    # Wedin: u₁ and v₁ turn by at most ‖Δ‖F over the gap to σ₂, as the polar factor Σ uᵢvᵢᵀ does over the mean
    # of the two smallest σ (Li 1995). The computed vectors are orthonormal to 2rγₘ; r products are summed.
    _, s, _ = singular_triplets(x)
    r = len(s)
    smallest = s[-1] + s[-2] if r > 1 else s[-1]
    turned = 2 * _backward_error(a, x) / (smallest if ord != 2 else (s[0] - s[1] if r > 1 else s[0]))
    orthonormal = 2 * r * a.gamma(max(x.shape)) + a.gamma(r) + 3 * a.u
    return (np.abs(g) * compounded(turned + orthonormal) * np.ones(x.shape),)


def _graded(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Random singular vectors, and singular values r, r − 1, ..., 1: none is near another or 0."""
    ((m, n),) = workload.shapes
    r = min(m, n)
    u, v = (np.linalg.qr(generator.standard_normal((k, r)))[0] for k in (m, n))
    return ((u * np.arange(r, 0, -1)) @ v.T,)


MATRIX_NORM_SINGULAR = Operation(
    name="matrix_norm_singular",
    subject="norms",
    function=torch.linalg.matrix_norm,
    forward=Formula(
        "σ₁ (ord 2), Σᵢ σᵢ (nuclear)",
        _singular_norm,
        _singular_bound,
        "the backward error of Householder reflections (Higham 2002, thm 19.4) through Weyl and Mirsky",
    ),
    vjp=Formula(
        "∂x = g u₁v₁ᵀ (ord 2), g Σᵢ uᵢvᵢᵀ (nuclear)",
        _singular_norm_vjp,
        _singular_vjp_bound,
        "Wedin's sin θ theorem (Stewart & Sun 1990, V.4); Li, SIAM J. Matrix Anal. 16 (1995)",
    ),
    domain=Domain(
        _graded,
        (
            HardInput("diagonal", lambda a: matrix([3.0, 0.0], [0.0, -1.0]), {"ord": 2}),
            HardInput("one column", lambda a: matrix([3.0], [-4.0]), {"ord": "nuc"}),
            HardInput(
                "square overflows",
                lambda a: matrix(
                    [2.0 ** np.floor(np.log2(a.largest) * 0.75), 0.0],
                    [0.0, 2.0 ** np.floor(np.log2(a.largest) * 0.75 - 1)],
                ),
                {"ord": 2},
                far=True,
            ),
        ),
    ),
    check=(
        Workload("4x6-ord2", ((4, 6),), {"ord": 2}),
        Workload("5x3-nuc", ((5, 3),), {"ord": "nuc"}),
        Workload("4x4-ord2-transposed", ((4, 4),), {"ord": 2}, layout="transposed"),
        Workload("3x4-nuc-strided", ((3, 4),), {"ord": "nuc"}, layout="strided"),
    ),
    bench=(
        Workload("128x128-ord2", ((128, 128),), {"ord": 2}),
        Workload("128x128-nuc", ((128, 128),), {"ord": "nuc"}),
    ),
    # The least is the reduction to bidiagonal form: Golub & Van Loan, §8.6.3.
    cost=lambda workload: Cost(
        8 / 3 * float(min(workload.shapes[0])) ** 3, float(np.prod(workload.shapes[0]))
    ),
    identities=(
        Identity(
            "keepdim keeps both with size 1",
            lambda f, x, **options: f(x, keepdim=True, **options),
            lambda f, x, **options: f(x, **options)[..., None, None],
        ),
        Identity(
            "‖x‖ = ‖xᵀ‖",
            lambda f, x, ord: f(x, ord=ord),
            lambda f, x, ord: f(x.mT, ord=ord),
            lambda a, x, ord: 2 * a.stored(_singular_norm(x, ord), _singular_bound(a, x, ord)),
        ),
        Identity(
            "the spectral norm is not the Frobenius norm",
            lambda f, x, ord: f(x, ord=2),
            lambda f, x, ord: f(x, ord="fro"),
            lambda a, x, ord: 2 * a.stored(_singular_norm(x), _singular_bound(a, x)) + frobenius_bound(a, x),
            differs=True,
        ),
    ),
    special=tuple(
        Special(f"{name}, {ord}", (np.zeros(shape),), np.array(0.0), _ALL_ZERO, {"ord": ord})
        for ord in (2, "nuc")
        for name, shape in (("zeros", (2, 3)), ("no rows", (0, 3)))
    ),
    dtypes=("float64", "float32"),
    refuses=(
        *REFUSES,
        Refusal(
            "half precision", lambda f, tensor: f(tensor(2, 2).to(torch.bfloat16), ord=2), (RuntimeError,)
        ),
    ),
)
