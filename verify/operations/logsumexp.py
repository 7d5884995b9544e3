"""The logarithm of a sum of exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic, compounded
from verify.formulas.axes import kept
from verify.operation import (
    Array,
    Domain,
    Formula,
    Identity,
    Operation,
    Workload,
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
    logsumexp,
    no_rows,
    quarters,
    shifted,
    softmax,
    softmax_bound,
    special_rows,
    spread_by_two,
)
from verify.records.sampling import beside_dim


def _logsumexp_bound(a: Arithmetic, x: Array, dim: Any, keepdim: bool = False) -> Array:
    # max + log Σ exp(x − max): the sum's relative error is log's absolute error. The last sum is what is
    # stored: it rounds to the stored type once, whether there or from the working type.
    d = np.abs(shifted(x, dim))
    total = np.exp(-d).sum(axis=dim, keepdims=True)
    sum_error = compounded(error_of_sum(a, x, dim))
    log_error = sum_error + a.elementary * (np.log(total) + sum_error)
    bound = log_error * (1 + a.u) + a.w * np.abs(logsumexp(x, dim, keepdim=True))
    return bound if keepdim else bound.squeeze(dim)


def _logsumexp_vjp_bound(a: Arithmetic, g: Array, x: Array, dim: Any, keepdim: bool = False) -> tuple[Array]:
    # g·exp(x − ŷ) with ŷ stored: its error and the rounding of the difference sit in the exponent.
    y = logsumexp(x, dim, keepdim=True)
    of_y = a.stored(y, _logsumexp_bound(a, x, dim, keepdim=True))
    of_p = exponential_error(a, x - y, a.u * np.abs(x - y) + of_y)
    # p may be stored as a subnormal, and what that loses is multiplied by g.
    size = np.abs(kept(g, x.shape, dim, keepdim))
    return (size * (of_p * (1 + a.u) + a.u * softmax(x, dim) + a.smallest) + a.smallest,)


LOGSUMEXP = Operation(
    name="logsumexp",
    subject="softmax",
    function=torch.logsumexp,
    forward=Formula("y = log Σⱼ exp xⱼ", logsumexp, _logsumexp_bound, f"{BLANCHARD}, §3"),
    vjp=Formula(
        "∂xᵢ = g pᵢ",
        lambda g, x, dim, keepdim=False: (kept(g, x.shape, dim, keepdim) * softmax(x, dim),),
        _logsumexp_vjp_bound,
        "g·exp(x − ŷ) from the stored output, Higham 2002, §3.1",
    ),
    # At the largest numbers the rounding of the stored output is itself enormous, and the gradient,
    # exp of a difference from it, has no bound.
    domain=Domain(spread_by_two, tuple(hard for hard in hard_rows(dim=1) if hard.name != "largest")),
    check=(
        *CHECK,
        Workload("4x3x6-dims02-keepdim", ((4, 3, 6),), {"dim": (0, 2), "keepdim": True}),
    ),
    bench=BENCH,
    cost=cost_of_rows(4, writes=False),
    identities=(
        Identity(
            "logsumexp(x + 4) = logsumexp(x) + 4",
            lambda f, x, **options: f((4 * x).round() / 4 + 4, **options),
            lambda f, x, **options: f((4 * x).round() / 4, **options) + 4,
            lambda a, x, **options: (
                a.stored(logsumexp(quarters(x), **options), _logsumexp_bound(a, quarters(x), **options))
                + a.stored(
                    logsumexp(quarters(x), **options) + 4, _logsumexp_bound(a, quarters(x) + 4, **options)
                )
                + a.u * np.abs(logsumexp(quarters(x), **options) + 4)
            ),
        ),
        Identity(
            "∇ logsumexp = softmax",
            lambda f, x, dim: gradient_of(f, x, dim=dim),
            lambda f, x, dim: torch.softmax(x, dim=dim),
            lambda a, x, dim: (
                a.stored(
                    softmax(x, dim), _logsumexp_vjp_bound(a, np.ones(logsumexp(x, dim).shape), x, dim)[0]
                )
                + a.stored(softmax(x, dim), softmax_bound(a, x, dim))
            ),
            applies=lambda workload: isinstance(workload.options["dim"], int),
        ),
        Identity(
            "max x ≤ logsumexp(x)",
            lambda f, x, **options: (x.amax(**options) - f(x, **options)).clamp(min=0),
            lambda f, x, **options: torch.zeros_like(x.amax(**options)),
            lambda a, x, **options: a.stored(logsumexp(x, **options), _logsumexp_bound(a, x, **options)),
        ),
    ),
    naive=lambda x, **options: torch.log(torch.exp(x).sum(**options)),
    special=(
        *special_rows(
            ((NAN, 0.0), NAN),
            ((-INF, 1.0), 1.0),
            ((-INF, -INF), -INF),
            ((INF, 0.0), INF),
            ((INF, INF), INF),
            ((NAN, INF), NAN),
            ((), -INF),
        ),
        no_rows(0),
    ),
    refuses=REFUSES,
    batch=beside_dim,
    lengths=along_each_dim(),
)
