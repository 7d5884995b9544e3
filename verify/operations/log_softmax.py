"""The logarithm of softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic, compounded
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
    error_of_sum,
    exponential_error,
    gradient_of,
    hard_rows,
    log_softmax,
    no_rows,
    shifted,
    softmax,
    softmax_bound,
    special_rows,
    spread_by_two,
)
from verify.records.sampling import beside_kept_dim


def log_softmax_bound(a: Arithmetic, x: Array, dim: int) -> Array:
    """Absolute error of (xᵢ − max) − log Σ exp: of the shift, the sum, the logarithm and the difference."""
    d = np.abs(shifted(x, dim))
    total = np.exp(-d).sum(axis=dim, keepdims=True)
    sum_error = compounded(error_of_sum(a, x, dim))
    log_error = sum_error + a.elementary * (np.log(total) + sum_error)
    return (a.u * d + log_error) * (1 + a.u) + a.u * np.abs(log_softmax(x, dim))


def log_softmax_vjp_bound(a: Arithmetic, g: Array, x: Array, dim: int) -> tuple[Array]:
    """Error of gᵢ − exp(yᵢ) Σ g with y the stored output."""
    y, n = log_softmax(x, dim), x.shape[dim]
    p, total, size = np.exp(y), np.abs(g.sum(axis=dim, keepdims=True)), np.abs(g).sum(axis=dim, keepdims=True)
    of_p = exponential_error(a, y, log_softmax_bound(a, x, dim) + a.u * np.abs(y))
    of_sum = (a.gamma(n) + a.u) * size
    product_error = total * of_p + of_sum * (p + of_p)
    return (product_error * (1 + 2 * a.u) + a.u * (np.abs(g) + 2 * p * total) + a.smallest,)


def _share_that_is_left(f: Any, x: torch.Tensor, dim: int) -> torch.Tensor:
    """Σᵢ ∂xᵢ for a cotangent of ones, as a share of Σᵢ |∂xᵢ|: the entries are as large as their number."""
    gradient = gradient_of(f, x, dim=dim).double()
    return gradient.sum(dim) / gradient.abs().sum(dim)


def _share_that_may_be_left(a: Arithmetic, x: Array, dim: int) -> Array:
    gradient = 1 - x.shape[dim] * softmax(x, dim)
    bound = a.stored(gradient, log_softmax_vjp_bound(a, np.ones(x.shape), x, dim)[0])
    # The share is the quotient of two sums, each off by no more than the bounds together.
    return compounded(bound.sum(axis=dim) / np.abs(gradient).sum(axis=dim))


LOG_SOFTMAX = Operation(
    name="log_softmax",
    subject="softmax",
    function=torch.log_softmax,
    forward=Formula("yᵢ = xᵢ − log Σⱼ exp xⱼ", log_softmax, log_softmax_bound, f"{BLANCHARD}, §3"),
    vjp=Formula(
        "∂xᵢ = gᵢ − pᵢ Σⱼ gⱼ",
        lambda g, x, dim: (g - softmax(x, dim) * g.sum(axis=dim, keepdims=True),),
        log_softmax_vjp_bound,
        "g − exp(ŷ)Σg from the stored output, Higham 2002, §3.1",
    ),
    domain=Domain(spread_by_two, hard_rows(dim=1)),
    check=CHECK,
    bench=BENCH,
    cost=cost_of_rows(5, writes=True),
    identities=(
        Identity(
            "exp log_softmax = softmax",
            lambda f, x, dim: f(x, dim=dim).exp(),
            lambda f, x, dim: torch.softmax(x, dim=dim),
            lambda a, x, dim: (
                2 * a.stored(softmax(x, dim), softmax_bound(a, x, dim))
                + exponential_error(
                    a, log_softmax(x, dim), log_softmax_bound(a, x, dim) + a.u * np.abs(log_softmax(x, dim))
                )
            ),
        ),
        Identity(
            "rows of the Jacobian sum to 0",
            _share_that_is_left,
            lambda f, x, dim: torch.zeros_like(x).double().sum(dim),
            _share_that_may_be_left,
        ),
    ),
    naive=lambda x, dim: torch.log(torch.softmax(x, dim=dim)),
    special=(
        *special_rows(((NAN, 0.0), (NAN, NAN)), ((-INF, 0.0), (-INF, 0.0)), ((INF, 0.0), (NAN, NAN))),
        *special_rows(((-INF, -INF), (NAN, NAN)), ((INF, INF), (NAN, NAN))),
        no_rows(0, 3),
    ),
    refuses=REFUSES,
    batch=beside_kept_dim,
    lengths=along_each_dim(),
)
