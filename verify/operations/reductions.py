"""Reductions: sum, mean, prod, max, min, amax, argmax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.arithmetic import Arithmetic, compounded
from verify.operation import Array, Cost, Domain, Formula, HardInput, Identity, Inputs, Operation, Workload
from verify.sampling import distinct, near_one, normal

# `square` for a dimension that is mistaken for the other; the last one is longer than any vector register.
_SUMS_CHECK = (
    Workload("5x5-dim-1", ((5, 5),), {"dim": -1}),
    Workload("1031", ((1031,),)),
    Workload("41", ((41,),)),
    Workload("5x9-dim1", ((5, 9),), {"dim": 1}),
    Workload("4x3x6-dims02-keepdim", ((4, 3, 6),), {"dim": (0, 2), "keepdim": True}),
    Workload("6x5-dim0-transposed", ((6, 5),), {"dim": 0}, layout="transposed"),
)
_ONE_DIM_CHECK = (
    Workload("5x5-dim-1", ((5, 5),), {"dim": -1}),
    Workload("96", ((96,),)),
    Workload("23", ((23,),)),
    Workload("5x9-dim1", ((5, 9),), {"dim": 1}),
    Workload("4x6-dim0-keepdim", ((4, 6),), {"dim": 0, "keepdim": True}),
    Workload("6x5-dim1-strided", ((6, 5),), {"dim": 1}, layout="strided"),
)
_BENCH = (
    Workload("4096x1024", ((4096, 1024),)),
    Workload("64", ((64,),)),
    Workload("4096x1024-dim1", ((4096, 1024),), {"dim": 1}),
    Workload("4096x1024-dim0", ((4096, 1024),), {"dim": 0}),
    Workload("1000003", ((1_000_003,),)),
    Workload("1023x1025-dim1-strided", ((1023, 1025),), {"dim": 1}, layout="strided"),
)


def _cost(workload: Workload) -> Cost:
    n = float(math.prod(workload.shapes[0]))
    return Cost(n, n)


def _values(*numbers: float) -> Inputs:
    return (np.array(numbers),)


def kept(y: Any, shape: tuple[int, ...], dim: Any, keepdim: bool = False) -> Array:
    """A reduced array with its dimensions of size 1 put back, so that it broadcasts over its input.

    Shapes: `y` reduced from `shape` over `dim` (None: all); the result has as many dimensions as `shape`.
    """
    y = np.asarray(y)
    if keepdim:
        return y
    if dim is None:
        return y.reshape((1,) * len(shape))
    return np.expand_dims(y, dim)


def _terms(x: Array, dim: Any) -> int:
    axes = range(x.ndim) if dim is None else (dim if isinstance(dim, tuple) else (dim,))
    return math.prod(x.shape[i] for i in axes)


def _sum(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    return x.sum(axis=dim, keepdims=keepdim)


def _sum_bound(a: Arithmetic, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    return a.gamma(_terms(x, dim) - 1) * _sum(np.abs(x), dim, keepdim)


def _sum_vjp(g: Array, x: Array, dim: Any = None, keepdim: bool = False) -> tuple[Array]:
    return (np.broadcast_to(kept(g, x.shape, dim, keepdim), x.shape),)


def _no_error(a: Arithmetic, g: Array, x: Array, **options: Any) -> tuple[Array]:
    return (np.zeros(x.shape),)


_SMALL_AFTER_LARGE = HardInput("small after large", lambda a: _values(1.0, *([a.u] * 12)))

SUM = Operation(
    name="sum",
    subject="reductions",
    function=torch.sum,
    forward=Formula("Σᵢ xᵢ", _sum, _sum_bound, "γₙ₋₁ Σ|x| in any order, Higham 2002, §4.2"),
    vjp=Formula("∂xᵢ = g", _sum_vjp, _no_error, "exact: a copy"),
    domain=Domain(
        normal,
        (
            HardInput("cancelling", lambda a: _values(1.0, 0.5 / a.u, -0.5 / a.u, 1.0), far=True),
            HardInput("zeros", lambda a: _values(0.0, -0.0, 1.5, 0.0)),
            _SMALL_AFTER_LARGE,
            HardInput("near overflow", lambda a: _values(*([a.largest / 8] * 6)), far=True),
            HardInput("subnormal", lambda a: _values(*([a.smallest] * 6)), far=True),
        ),
    ),
    check=_SUMS_CHECK,
    bench=_BENCH,
    cost=_cost,
    identities=(
        Identity(
            "Σ 2x = 2 Σ x",
            lambda f, x, **options: f(2 * x, **options),
            lambda f, x, **options: 2 * f(x, **options),
        ),
        Identity(
            "keepdim keeps the size 1 and the values",
            lambda f, x, dim, keepdim: f(x, dim=dim, keepdim=True).reshape(-1),
            lambda f, x, dim, keepdim: f(x, dim=dim).reshape(-1),
            applies=lambda workload: "keepdim" in workload.options,
        ),
        Identity(
            "the sum of row sums is the sum",
            lambda f, x, dim: f(f(x, dim=dim)),
            lambda f, x, dim: f(x),
            lambda a, x, dim: a.stored(_sum(np.abs(x)), 2 * _sum_bound(a, x) + 2 * a.u * _sum(np.abs(x))),
            applies=lambda workload: set(workload.options) == {"dim"},
        ),
    ),
)


def _mean(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    # Divided first: the sum of representable numbers may not be representable, their mean is.
    return _sum(x / _terms(x, dim), dim, keepdim)


def _mean_bound(a: Arithmetic, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    # The sum, which may be stored, then a division (or a product with the rounded 1/n: two roundings).
    return compounded((_terms(x, dim) - 1) * a.w + 3 * a.u) * _mean(np.abs(x), dim, keepdim)


MEAN = Operation(
    name="mean",
    subject="reductions",
    function=torch.mean,
    forward=Formula(
        "Σᵢ xᵢ / n",
        _mean,
        _mean_bound,
        "γₙ₋₁ Σ|x|/n in any order and three stored roundings, Higham 2002, §4.2",
    ),
    vjp=Formula(
        "∂xᵢ = g/n",
        lambda g, x, **options: (_sum_vjp(g, x, **options)[0] / _terms(x, options.get("dim")),),
        lambda a, g, x, **options: (
            2 * a.u * np.abs(_sum_vjp(g, x, **options)[0]) / _terms(x, options.get("dim")) + a.smallest,
        ),
        "a division, or a product with the rounded 1/n",
    ),
    domain=Domain(
        normal,
        (
            HardInput("cancelling", lambda a: _values(1.0, 0.5 / a.u, -0.5 / a.u, 1.0), far=True),
            HardInput("the sum overflows", lambda a: _values(*([a.largest / 2] * 4)), far=True),
            HardInput("subnormal", lambda a: _values(*([4 * a.smallest] * 4)), far=True),
        ),
    ),
    check=_SUMS_CHECK,
    bench=_BENCH,
    cost=_cost,
    identities=(
        Identity(
            "n·mean = sum",
            lambda f, x, **options: f(x, **options) * _terms_of(x, options),
            lambda f, x, **options: torch.sum(x, **options),
            lambda a, x, **options: (
                _terms(x, options.get("dim"))
                * a.stored(
                    _mean(x, **options),
                    2 * _mean_bound(a, x, **options) + 3 * a.u * np.abs(_mean(x, **options)),
                )
            ),
        ),
        Identity(
            "mean(x + 0) = mean(x)",
            lambda f, x, **options: f(x + 0, **options),
            lambda f, x, **options: f(x.clone(), **options),
            lambda a, x, **options: 2 * a.stored(_mean(x, **options), _mean_bound(a, x, **options)),
        ),
    ),
)


def _terms_of(x: torch.Tensor, options: dict[str, Any]) -> int:
    return _terms(np.empty(x.shape), options.get("dim"))


def _prod(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    return x.prod(axis=dim, keepdims=keepdim)


def _prod_bound(a: Arithmetic, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    # Unlike a sum, a product is accumulated in the stored type.
    return compounded((_terms(x, dim) - 1) * a.u) * np.abs(_prod(x, dim, keepdim)) + a.smallest


def _others(x: Array, dim: Any) -> Array:
    """The product of all other entries along a dimension, without a division: zeros are no exception."""
    if dim is None:
        return _others(x.reshape(-1), 0).reshape(x.shape)
    x = np.moveaxis(x, dim, 0)
    one = 0 * x[:1] + 1
    before = np.multiply.accumulate(np.concatenate([one, x[:-1]]), axis=0)
    after = np.multiply.accumulate(np.concatenate([one, x[:0:-1]]), axis=0)[::-1]
    return np.moveaxis(before * after, 0, dim)


def _prod_vjp(g: Array, x: Array, dim: Any = None, keepdim: bool = False) -> tuple[Array]:
    return (kept(g, x.shape, dim, keepdim) * _others(x, dim),)


def _prod_vjp_bound(
    a: Arithmetic, g: Array, x: Array, dim: Any = None, keepdim: bool = False
) -> tuple[Array]:
    # g·product/x, or running products from both sides where an entry is 0: at most n + 6 roundings.
    size = np.abs(_prod_vjp(g, x, dim, keepdim)[0])
    return (compounded((_terms(x, dim) + 6) * a.u) * size + a.smallest,)


PROD = Operation(
    name="prod",
    subject="reductions",
    function=torch.prod,
    forward=Formula(
        "Πᵢ xᵢ",
        _prod,
        _prod_bound,
        "γₙ₋₁ in any order, Higham 2002, lemma 3.1",
    ),
    vjp=Formula(
        "∂xᵢ = g Πⱼ≠ᵢ xⱼ", _prod_vjp, _prod_vjp_bound, "γₙ and the stored intermediates, Higham 2002, §3.1"
    ),
    domain=Domain(
        near_one,
        (
            HardInput("one zero", lambda a: _values(2.0, 0.0, 3.0)),
            HardInput("two zeros", lambda a: _values(2.0, 0.0, 0.0)),
            HardInput("near overflow", lambda a: _values(a.largest / 64, 2.0, 0.5), far=True),
        ),
    ),
    check=_ONE_DIM_CHECK,
    bench=_BENCH,
    cost=_cost,
    identities=(
        Identity(
            "the product of row products is the product",
            lambda f, x, dim: f(f(x, dim=dim)),
            lambda f, x, dim: f(x),
            lambda a, x, dim: compounded((2 * x.size + 4) * a.u) * np.abs(_prod(x)) + a.smallest,
            applies=lambda workload: set(workload.options) == {"dim"},
        ),
        Identity(
            "Π(−x) = ±Πx",
            lambda f, x, **options: f(-x, **options).abs(),
            lambda f, x, **options: f(x, **options).abs(),
        ),
    ),
)


def _amax(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    return x.max(axis=dim, keepdims=keepdim)


def _exact(a: Arithmetic, x: Array, **options: Any) -> Array:
    return np.zeros(())


def _shared(g: Array, x: Array, dim: Any = None, keepdim: bool = False) -> tuple[Array]:
    """The gradient goes in equal parts to every entry that reaches the maximum."""
    reached = x == kept(x.max(axis=dim), x.shape, dim)
    count = reached.sum(axis=dim, keepdims=True)
    return (kept(g, x.shape, dim, keepdim) * reached / count,)


def _first(g: Array, x: Array, dim: Any = None, keepdim: bool = False) -> tuple[Array]:
    """Along a dimension the gradient goes to the index that max returns, the first; else in equal parts."""
    if dim is None:
        return _shared(g, x)
    index = np.expand_dims(np.argmax(x, axis=dim), dim)
    places = np.arange(x.shape[dim]).reshape([-1 if i == dim % x.ndim else 1 for i in range(x.ndim)])
    return (kept(g, x.shape, dim, keepdim) * (places == index),)


def _mirrored(vjp: Callable[..., tuple[Array]]) -> Callable[..., tuple[Array]]:
    """The gradient of min from that of max: min x = −max(−x), and two signs cancel."""
    return lambda g, x, **options: vjp(g, -x, **options)


def _shared_bound(a: Arithmetic, g: Array, x: Array, **options: Any) -> tuple[Array]:
    return (2 * a.u * np.abs(_shared(g, x, **options)[0]),)


def _first_bound(a: Arithmetic, g: Array, x: Array, **options: Any) -> tuple[Array]:
    return (2 * a.u * np.abs(_first(g, x, **options)[0]) * (options.get("dim") is None),)


def _values_of(function: Callable[..., Any]) -> Callable[..., torch.Tensor]:
    """torch.max and torch.min along a dimension return values and indices: the values."""

    def values(x: torch.Tensor, **options: Any) -> torch.Tensor:
        result = function(x, **options)
        return result if isinstance(result, torch.Tensor) else result.values

    return values


_TIED = (
    HardInput("ties", lambda a: _values(1.0, 2.0, 2.0, -1.0)),
    HardInput(
        "ties along a dimension", lambda a: (np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]),), {"dim": 1}
    ),
    HardInput("one entry", lambda a: _values(-1.5)),
    HardInput("neighbours", lambda a: _values(1.0, 1.0 + 2 * a.u, 1.0 - a.u)),
    HardInput("extremes", lambda a: _values(-a.largest, a.largest, a.smallest, -a.smallest), far=True),
)
_COMPARED = "exact: comparisons and a copy"

MAX = Operation(
    name="max",
    subject="reductions",
    function=_values_of(torch.max),
    forward=Formula("maxᵢ xᵢ", _amax, _exact, _COMPARED),
    vjp=Formula(
        "∂xᵢ = g at the first maximum along a dimension; shared by all maxima without one",
        _first,
        _first_bound,
        "exact along a dimension; a division among ties otherwise (torch.max, torch.amax)",
    ),
    domain=Domain(distinct, _TIED),
    check=_ONE_DIM_CHECK,
    bench=_BENCH,
    cost=_cost,
    identities=(
        Identity(
            "max x = −min(−x)", lambda f, x, **o: f(x, **o), lambda f, x, **o: -_values_of(torch.min)(-x, **o)
        ),
        Identity(
            "the values lie at the indices",
            lambda f, x, dim, keepdim=False: f(x, dim=dim, keepdim=True),
            lambda f, x, dim, keepdim=False: x.gather(dim, torch.max(x, dim, keepdim=True).indices),
            applies=lambda workload: "dim" in workload.options,
        ),
    ),
)

MIN = Operation(
    name="min",
    subject="reductions",
    function=_values_of(torch.min),
    forward=Formula("minᵢ xᵢ", lambda x, **options: -_amax(-x, **options), _exact, _COMPARED),
    vjp=Formula(
        "∂xᵢ = g at the first minimum along a dimension; shared by all minima without one",
        _mirrored(_first),
        lambda a, g, x, **options: _first_bound(a, g, -x, **options),
        "exact along a dimension; a division among ties otherwise (torch.min, torch.amin)",
    ),
    domain=Domain(distinct, _TIED),
    check=_ONE_DIM_CHECK,
    bench=_BENCH,
    cost=_cost,
    identities=(
        Identity(
            "min x = −max(−x)", lambda f, x, **o: f(x, **o), lambda f, x, **o: -_values_of(torch.max)(-x, **o)
        ),
        Identity(
            "the values lie at the indices",
            lambda f, x, dim, keepdim=False: f(x, dim=dim, keepdim=True),
            lambda f, x, dim, keepdim=False: x.gather(dim, torch.min(x, dim, keepdim=True).indices),
            applies=lambda workload: "dim" in workload.options,
        ),
    ),
)

AMAX = Operation(
    name="amax",
    subject="reductions",
    function=torch.amax,
    forward=Formula("maxᵢ xᵢ", _amax, _exact, _COMPARED),
    vjp=Formula(
        "∂xᵢ = g/#maxima at every maximum", _shared, _shared_bound, "a division among ties (torch.amax)"
    ),
    domain=Domain(distinct, _TIED),
    check=_SUMS_CHECK,
    bench=_BENCH,
    cost=_cost,
    identities=(
        Identity(
            "amax = max",
            lambda f, x, **options: f(x, **options),
            lambda f, x, **options: torch.max(x, **options).values if options else torch.max(x),
            applies=lambda workload: not isinstance(workload.options.get("dim"), tuple),
        ),
        Identity("amax x = −amin(−x)", lambda f, x, **o: f(x, **o), lambda f, x, **o: -torch.amin(-x, **o)),
    ),
)


def _argmax(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    index = np.argmax(x, axis=dim)
    return kept(index, x.shape, dim) if keepdim else np.asarray(index)


ARGMAX = Operation(
    name="argmax",
    subject="reductions",
    function=torch.argmax,
    forward=Formula("the first i with xᵢ = max x", _argmax, _exact, _COMPARED),
    vjp=None,
    domain=Domain(distinct, _TIED),
    check=_ONE_DIM_CHECK,
    bench=_BENCH,
    cost=_cost,
    identities=(
        Identity(
            "x at argmax = amax",
            lambda f, x, dim, keepdim=False: x.gather(dim, f(x, dim=dim, keepdim=True)),
            lambda f, x, dim, keepdim=False: x.amax(dim, keepdim=True),
            applies=lambda workload: "dim" in workload.options,
        ),
        Identity(
            "argmax x = argmin(−x)", lambda f, x, **o: f(x, **o), lambda f, x, **o: torch.argmin(-x, **o)
        ),
    ),
)
