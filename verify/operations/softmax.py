"""Softmax along a dimension."""

from __future__ import annotations

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic
from verify.operation import (
    Array,
    Domain,
    Formula,
    Identity,
    Operation,
)
from verify.records.lengths import along_each_dim
from verify.records.logits import (
    BENCH,
    BLANCHARD,
    CHECK,
    INF,
    NAN,
    REFUSES,
    cost_of_rows,
    gradient_of,
    hard_rows,
    no_rows,
    quarters,
    softmax,
    softmax_bound,
    special_rows,
    spread_by_two,
)
from verify.records.sampling import beside_kept_dim


def _softmax_vjp(g: Array, x: Array, dim: int) -> tuple[Array]:
    # Σⱼ pⱼ(gᵢ − gⱼ) rather than gᵢ − Σⱼ gⱼpⱼ would be stable in floating point; balls need neither.
    p = softmax(x, dim)
    return (p * (g - (g * p).sum(axis=dim, keepdims=True)),)


def _softmax_vjp_bound(a: Arithmetic, g: Array, x: Array, dim: int) -> tuple[Array]:
    # torch forms p̂(g − Σ g p̂) from the stored p̂: with δ the error of p̂, the inner product is off by
    # Σ|g|δ and its own γ, the difference rounds, the product rounds.
    p, n = softmax(x, dim), x.shape[dim]
    delta = softmax_bound(a, x, dim) + a.u * p
    inner = (g * p).sum(axis=dim, keepdims=True)
    inner_error = (np.abs(g) * (delta + a.gamma(n) * p)).sum(axis=dim, keepdims=True)
    difference = np.abs(g - inner)
    difference_error = inner_error + a.u * (difference + np.abs(inner) + np.abs(g))
    return (
        delta * (difference + difference_error) + p * (difference_error + 2 * a.u * difference) + a.smallest,
    )


SOFTMAX = Operation(
    name="softmax",
    subject="softmax",
    function=torch.softmax,
    forward=Formula("pᵢ = exp xᵢ / Σⱼ exp xⱼ", softmax, softmax_bound, f"{BLANCHARD}, §4"),
    vjp=Formula(
        "∂xᵢ = pᵢ (gᵢ − Σⱼ gⱼ pⱼ)",
        _softmax_vjp,
        _softmax_vjp_bound,
        "the product p̂(g − Σgp̂), Higham 2002, §3.1",
    ),
    domain=Domain(spread_by_two, hard_rows(dim=1)),
    check=CHECK,
    bench=BENCH,
    cost=cost_of_rows(5, writes=True),
    identities=(
        Identity(
            "Σᵢ pᵢ = 1",
            lambda f, x, dim: f(x, dim=dim).sum(dim),
            lambda f, x, dim: torch.ones_like(x).amax(dim),
            lambda a, x, dim: a.stored(
                1, (softmax_bound(a, x, dim) + a.u * softmax(x, dim)).sum(axis=dim) + a.gamma(x.shape[dim])
            ),
        ),
        Identity(
            "softmax(x + 4) = softmax(x)",
            # 4 is added without rounding only where x has few bits: x is cut to multiples of 2⁻² first.
            lambda f, x, dim: f((4 * x).round() / 4 + 4, dim=dim),
            lambda f, x, dim: f((4 * x).round() / 4, dim=dim),
            lambda a, x, dim: 2 * a.stored(softmax(quarters(x), dim), softmax_bound(a, quarters(x), dim)),
        ),
        Identity(
            "rows of the Jacobian sum to 0",
            lambda f, x, dim: gradient_of(f, x, dim=dim),
            lambda f, x, dim: torch.zeros_like(x),
            lambda a, x, dim: a.stored(0, _softmax_vjp_bound(a, np.ones(x.shape), x, dim)[0]),
        ),
        Identity(
            "p keeps the order of x",
            lambda f, x, dim: f(x, dim=dim).gather(dim, x.argsort(dim)).diff(dim=dim).clamp(max=0),
            lambda f, x, dim: torch.zeros_like(f(x, dim=dim).diff(dim=dim)),
        ),
    ),
    naive=lambda x, dim: torch.exp(x) / torch.exp(x).sum(dim, keepdim=True),
    special=(
        *special_rows(((NAN, 0.0), (NAN, NAN)), ((-INF, 0.0), (0.0, 1.0)), ((INF, 0.0), (NAN, NAN))),
        *special_rows(((-INF, -INF), (NAN, NAN)), ((INF, INF), (NAN, NAN))),
        no_rows(0, 3),
    ),
    refuses=REFUSES,
    batch=beside_kept_dim,
    lengths=along_each_dim(),
)
