"""The softmax family: softmax, log_softmax, logsumexp."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic, compounded
from verify.operation import (
    Array,
    Cost,
    Domain,
    Formula,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Special,
    Workload,
)
from verify.records.refusals import dim_out_of_range, not_a_tensor
from verify.records.sampling import beside_dim, beside_kept_dim

_BLANCHARD = (
    "Blanchard, Higham & Higham, Accurately computing the log-sum-exp and softmax functions, "
    "IMA J. Numer. Anal. 41 (2021)"
)

_CHECK = (
    Workload("64-dim0", ((64,),), {"dim": 0}),
    Workload("3x17-dim1", ((3, 17),), {"dim": 1}),
    Workload("5x4-dim0-transposed", ((5, 4),), {"dim": 0}, layout="transposed"),
    Workload("6x6-dim-1-strided", ((6, 6),), {"dim": -1}, layout="strided"),
    Workload("1033-dim0", ((1033,),), {"dim": 0}),
    Workload("3x5x4-dim1", ((3, 5, 4),), {"dim": 1}),
)
_BENCH = (
    Workload("1024x1024", ((1024, 1024),), {"dim": 1}),
    Workload("32x64", ((32, 64),), {"dim": 1}),
    Workload("64x50257", ((64, 50257),), {"dim": 1}),
    Workload("1024x1024-dim0", ((1024, 1024),), {"dim": 0}),
    Workload("1023x1025-strided", ((1023, 1025),), {"dim": 1}, layout="strided"),
)


def _sample(generator: np.random.Generator, workload: Workload) -> Inputs:
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


def _hard(dim: int) -> tuple[HardInput, ...]:
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


def _special(*rows: tuple[tuple[float, ...], Any]) -> tuple[Special, ...]:
    """Rows of entries and the result that is required, for a nan and for the entries that are infinite."""
    source = "exp(−∞) = 0, exp ∞ = ∞, log 0 = −∞ (IEEE 754-2019, 9.2.1)"
    return tuple(
        Special(f"({', '.join(map(str, row))})", (np.array([row]),), np.array([result]), source, {"dim": 1})
        for row, result in rows
    )


def _nothing(*shape: int) -> Special:
    return Special("empty", (np.zeros((0, 3)),), np.zeros(shape), "no rows in, no rows out", {"dim": 1})


_NAN, _INF = math.nan, math.inf
_REFUSES = (dim_out_of_range(), not_a_tensor(dim=0))


def shifted(x: Array, dim: int) -> Array:
    """x − max x along a dimension: inputs are exact, so the maximum is too."""
    return x - x.max(axis=dim, keepdims=True)


def softmax(x: Array, dim: int) -> Array:
    """exp xᵢ / Σⱼ exp xⱼ along a dimension. Shapes: that of x."""
    e = np.exp(shifted(x, dim))
    return e / e.sum(axis=dim, keepdims=True)


def log_softmax(x: Array, dim: int) -> Array:
    """xᵢ − log Σⱼ exp xⱼ along a dimension. Shapes: that of x."""
    d = shifted(x, dim)
    return d - np.log(np.exp(d).sum(axis=dim, keepdims=True))


def logsumexp(x: Array, dim: int) -> Array:
    """log Σⱼ exp xⱼ along a dimension, which vanishes."""
    m = x.max(axis=dim, keepdims=True)
    return (m + np.log(np.exp(x - m).sum(axis=dim, keepdims=True))).squeeze(dim)


def _sum_error(a: Arithmetic, x: Array, dim: int) -> Array:
    """Relative error of Σ exp(xⱼ − max): each term's exponent is off by u|dⱼ|, exp adds its own, γ the sum's.

    The terms enter with weight pⱼ, so the error is Σ pⱼ u|dⱼ| rather than u·max|dⱼ| (the published
    bound, (n + 2 + 2(x_max − x_min))u for softmax, takes the maximum). The sum is stored once.
    """
    d, p = np.abs(shifted(x, dim)), softmax(x, dim)
    spread = (p * d).sum(axis=dim, keepdims=True)
    return a.u * spread + a.elementary + a.u + a.gamma(max(0, x.shape[dim] - 1))


def exponential_error(a: Arithmetic, exponent: Array, error: Array) -> Array:
    """Absolute error of exp at an exponent that is off by so much: exp(y + δ) − exp(y), then exp's own.

    Formed as one exponential: far out, exp(y) is 0 and exp(δ) infinite, and their product is neither.
    """
    moved = np.exp(exponent + error)
    return moved - np.exp(exponent) + (a.elementary + a.u) * moved


def _softmax_bound(a: Arithmetic, x: Array, dim: int) -> Array:
    d = shifted(x, dim)
    total = np.exp(d).sum(axis=dim, keepdims=True)
    numerator = exponential_error(a, d, a.u * np.abs(d)) / total
    quotient = compounded(_sum_error(a, x, dim) + 2 * a.u)
    return numerator + (softmax(x, dim) + numerator) * quotient + a.smallest


def _softmax_vjp(g: Array, x: Array, dim: int) -> tuple[Array]:
    # Σⱼ pⱼ(gᵢ − gⱼ) rather than gᵢ − Σⱼ gⱼpⱼ would be stable in floating point; balls need neither.
    p = softmax(x, dim)
    return (p * (g - (g * p).sum(axis=dim, keepdims=True)),)


def _softmax_vjp_bound(a: Arithmetic, g: Array, x: Array, dim: int) -> tuple[Array]:
    # torch forms p̂(g − Σ g p̂) from the stored p̂: with δ the error of p̂, the inner product is off by
    # Σ|g|δ and its own γ, the difference rounds, the product rounds.
    p, n = softmax(x, dim), x.shape[dim]
    delta = _softmax_bound(a, x, dim) + a.u * p
    inner = (g * p).sum(axis=dim, keepdims=True)
    inner_error = (np.abs(g) * (delta + a.gamma(n) * p)).sum(axis=dim, keepdims=True)
    difference = np.abs(g - inner)
    difference_error = inner_error + a.u * (difference + np.abs(inner) + np.abs(g))
    return (
        delta * (difference + difference_error) + p * (difference_error + 2 * a.u * difference) + a.smallest,
    )


def _cost(flops: float, writes: bool) -> Any:
    def cost(workload: Workload) -> Cost:
        n = float(math.prod(workload.shapes[0]))
        return Cost(flops * n, 2 * n, n) if writes else Cost(flops * n, n)

    return cost


def _gradient(f: Any, x: torch.Tensor, cotangent: torch.Tensor | None = None, **options: Any) -> torch.Tensor:
    x = x.detach().clone().requires_grad_()
    y = f(x, **options)
    (gradient,) = torch.autograd.grad(y, x, torch.ones_like(y) if cotangent is None else cotangent)
    return gradient


SOFTMAX = Operation(
    name="softmax",
    subject="softmax",
    function=torch.softmax,
    forward=Formula("pᵢ = exp xᵢ / Σⱼ exp xⱼ", softmax, _softmax_bound, f"{_BLANCHARD}, §4"),
    vjp=Formula(
        "∂xᵢ = pᵢ (gᵢ − Σⱼ gⱼ pⱼ)",
        _softmax_vjp,
        _softmax_vjp_bound,
        "the product p̂(g − Σgp̂), Higham 2002, §3.1",
    ),
    domain=Domain(_sample, _hard(dim=1)),
    check=_CHECK,
    bench=_BENCH,
    cost=_cost(5, writes=True),
    identities=(
        Identity(
            "Σᵢ pᵢ = 1",
            lambda f, x, dim: f(x, dim=dim).sum(dim),
            lambda f, x, dim: torch.ones_like(x).amax(dim),
            lambda a, x, dim: a.stored(
                1, (_softmax_bound(a, x, dim) + a.u * softmax(x, dim)).sum(axis=dim) + a.gamma(x.shape[dim])
            ),
        ),
        Identity(
            "softmax(x + 4) = softmax(x)",
            # 4 is added without rounding only where x has few bits: x is cut to multiples of 2⁻² first.
            lambda f, x, dim: f((4 * x).round() / 4 + 4, dim=dim),
            lambda f, x, dim: f((4 * x).round() / 4, dim=dim),
            lambda a, x, dim: 2 * a.stored(softmax(_quarters(x), dim), _softmax_bound(a, _quarters(x), dim)),
        ),
        Identity(
            "rows of the Jacobian sum to 0",
            lambda f, x, dim: _gradient(f, x, dim=dim),
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
        *_special(((_NAN, 0.0), (_NAN, _NAN)), ((-_INF, 0.0), (0.0, 1.0)), ((_INF, 0.0), (_NAN, _NAN))),
        _nothing(0, 3),
    ),
    refuses=_REFUSES,
    batch=beside_kept_dim,
)


def _quarters(x: Array) -> Array:
    return np.round(4 * x) / 4


def log_softmax_bound(a: Arithmetic, x: Array, dim: int) -> Array:
    """Absolute error of (xᵢ − max) − log Σ exp: of the shift, the sum, the logarithm and the difference."""
    d = np.abs(shifted(x, dim))
    total = np.exp(-d).sum(axis=dim, keepdims=True)
    sum_error = compounded(_sum_error(a, x, dim))
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
    gradient = _gradient(f, x, dim=dim).double()
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
    forward=Formula("yᵢ = xᵢ − log Σⱼ exp xⱼ", log_softmax, log_softmax_bound, f"{_BLANCHARD}, §3"),
    vjp=Formula(
        "∂xᵢ = gᵢ − pᵢ Σⱼ gⱼ",
        lambda g, x, dim: (g - softmax(x, dim) * g.sum(axis=dim, keepdims=True),),
        log_softmax_vjp_bound,
        "g − exp(ŷ)Σg from the stored output, Higham 2002, §3.1",
    ),
    domain=Domain(_sample, _hard(dim=1)),
    check=_CHECK,
    bench=_BENCH,
    cost=_cost(5, writes=True),
    identities=(
        Identity(
            "exp log_softmax = softmax",
            lambda f, x, dim: f(x, dim=dim).exp(),
            lambda f, x, dim: torch.softmax(x, dim=dim),
            lambda a, x, dim: (
                2 * a.stored(softmax(x, dim), _softmax_bound(a, x, dim))
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
        *_special(((_NAN, 0.0), (_NAN, _NAN)), ((-_INF, 0.0), (-_INF, 0.0)), ((_INF, 0.0), (_NAN, _NAN))),
        _nothing(0, 3),
    ),
    refuses=_REFUSES,
    batch=beside_kept_dim,
)


def _logsumexp_bound(a: Arithmetic, x: Array, dim: int) -> Array:
    # max + log Σ exp(x − max): the sum's relative error is log's absolute error. The last sum is what is
    # stored: it rounds to the stored type once, whether there or from the working type.
    d = np.abs(shifted(x, dim))
    total = np.exp(-d).sum(axis=dim, keepdims=True)
    sum_error = compounded(_sum_error(a, x, dim))
    log_error = sum_error + a.elementary * (np.log(total) + sum_error)
    y = np.expand_dims(logsumexp(x, dim), dim)
    return (log_error * (1 + a.u) + a.w * np.abs(y)).squeeze(dim)


def _logsumexp_vjp_bound(a: Arithmetic, g: Array, x: Array, dim: int) -> tuple[Array]:
    # g·exp(x − ŷ) with ŷ stored: its error and the rounding of the difference sit in the exponent.
    y = np.expand_dims(logsumexp(x, dim), dim)
    of_y = a.stored(y, np.expand_dims(_logsumexp_bound(a, x, dim), dim))
    of_p = exponential_error(a, x - y, a.u * np.abs(x - y) + of_y)
    return (np.abs(np.expand_dims(g, dim)) * (of_p * (1 + a.u) + a.u * softmax(x, dim)) + a.smallest,)


LOGSUMEXP = Operation(
    name="logsumexp",
    subject="softmax",
    function=torch.logsumexp,
    forward=Formula("y = log Σⱼ exp xⱼ", logsumexp, _logsumexp_bound, f"{_BLANCHARD}, §3"),
    vjp=Formula(
        "∂xᵢ = g pᵢ",
        lambda g, x, dim: (np.expand_dims(g, dim) * softmax(x, dim),),
        _logsumexp_vjp_bound,
        "g·exp(x − ŷ) from the stored output, Higham 2002, §3.1",
    ),
    # At the largest numbers the rounding of the stored output is itself enormous, and the gradient,
    # exp of a difference from it, has no bound.
    domain=Domain(_sample, tuple(hard for hard in _hard(dim=1) if hard.name != "largest")),
    check=_CHECK,
    bench=_BENCH,
    cost=_cost(4, writes=False),
    identities=(
        Identity(
            "logsumexp(x + 4) = logsumexp(x) + 4",
            lambda f, x, dim: f((4 * x).round() / 4 + 4, dim=dim),
            lambda f, x, dim: f((4 * x).round() / 4, dim=dim) + 4,
            lambda a, x, dim: (
                a.stored(logsumexp(_quarters(x), dim), _logsumexp_bound(a, _quarters(x), dim))
                + a.stored(logsumexp(_quarters(x), dim) + 4, _logsumexp_bound(a, _quarters(x) + 4, dim))
                + a.u * np.abs(logsumexp(_quarters(x), dim) + 4)
            ),
        ),
        Identity(
            "∇ logsumexp = softmax",
            lambda f, x, dim: _gradient(f, x, dim=dim),
            lambda f, x, dim: torch.softmax(x, dim=dim),
            lambda a, x, dim: (
                a.stored(
                    softmax(x, dim), _logsumexp_vjp_bound(a, np.ones(logsumexp(x, dim).shape), x, dim)[0]
                )
                + a.stored(softmax(x, dim), _softmax_bound(a, x, dim))
            ),
        ),
        Identity(
            "max x ≤ logsumexp(x)",
            lambda f, x, dim: (x.amax(dim) - f(x, dim=dim)).clamp(min=0),
            lambda f, x, dim: torch.zeros_like(x.amax(dim)),
            lambda a, x, dim: a.stored(logsumexp(x, dim), _logsumexp_bound(a, x, dim)),
        ),
    ),
    naive=lambda x, dim: torch.log(torch.exp(x).sum(dim)),
    special=(
        *_special(
            ((_NAN, 0.0), _NAN),
            ((-_INF, 1.0), 1.0),
            ((-_INF, -_INF), -_INF),
            ((_INF, 0.0), _INF),
            ((), -_INF),
        ),
        _nothing(0),
    ),
    refuses=_REFUSES,
    batch=beside_dim,
)
