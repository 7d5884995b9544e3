"""Sums and products over dimensions: sum, mean, prod."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic, compounded
from verify.formulas.axes import kept, terms
from verify.operation import Array, Domain, Formula, HardInput, Identity, Inputs, Operation, Special
from verify.records import promotions
from verify.records.lengths import along_each_dim
from verify.records.reductions import BENCH, ONE_DIM_CHECK, SUMS_CHECK, reduction_cost
from verify.records.refusals import dim_out_of_range, not_a_tensor
from verify.records.sampling import beside_dim, beside_one, near_one, values
from verify.records.summed import whole

_NAN, _INF = np.nan, np.inf
_REFUSES = (dim_out_of_range(), not_a_tensor())


def _special(name: str, x: list[float], result: float) -> Special:
    return Special(name, values(*x), np.array(result), "IEEE 754-2019, 6; Array API standard 2024.12")


def _sum(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    return x.sum(axis=dim, keepdims=keepdim)


def _sum_bound(a: Arithmetic, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    return a.gamma(terms(x, dim) - 1) * _sum(np.abs(x), dim, keepdim)


def _sum_vjp(g: Array, x: Array, dim: Any = None, keepdim: bool = False) -> tuple[Array]:
    return (np.broadcast_to(kept(g, x.shape, dim, keepdim), x.shape),)


def _no_error(a: Arithmetic, g: Array, x: Array, **options: Any) -> tuple[Array]:
    return (np.zeros(x.shape),)


def _cancelling(a: Arithmetic) -> Inputs:
    """Two large terms cancel and leave 2: half of the digits are lost, the other half can be seen."""
    large = 2.0 ** np.floor(-np.log2(a.u) / 2)
    return values(1.0, large, -large, 1.0)


_SMALL_AFTER_LARGE = HardInput("small after large", lambda a: values(1.0, *([a.u] * 12)))

SUM = Operation(
    name="sum",
    subject="reductions",
    function=torch.sum,
    forward=Formula("Σᵢ xᵢ", _sum, _sum_bound, "γₙ₋₁ Σ|x| in any order, Higham 2002, §4.2"),
    vjp=Formula("∂xᵢ = g", _sum_vjp, _no_error, "exact: a copy"),
    domain=Domain(
        beside_one,
        (
            HardInput("cancelling", _cancelling, far=True),
            HardInput("zeros", lambda a: values(0.0, -0.0, 1.5, 0.0)),
            _SMALL_AFTER_LARGE,
            HardInput("near overflow", lambda a: values(*([a.largest / 8] * 6)), far=True),
            HardInput("subnormal", lambda a: values(*([a.smallest] * 6)), far=True),
        ),
    ),
    check=SUMS_CHECK,
    bench=BENCH,
    cost=reduction_cost,
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
    special=(
        _special("nan", [1.0, _NAN], _NAN),
        _special("infinities", [_INF, 1.0], _INF),
        _special("infinities of both signs", [_INF, -_INF], _NAN),
        _special("nothing", [], 0.0),
    ),
    refuses=_REFUSES,
    batch=beside_dim,
    lengths=along_each_dim(),
    summations=(whole(),),
    promotion=promotions.TOTAL,
)


def _mean(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    # Divided first: the sum of representable numbers may not be representable, their mean is.
    return _sum(x / terms(x, dim), dim, keepdim)


def _mean_bound(a: Arithmetic, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    # The sum, which may be stored, then a division (or a product with the rounded 1/n: two roundings).
    return compounded((terms(x, dim) - 1) * a.w + 3 * a.u) * _mean(np.abs(x), dim, keepdim)


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
        lambda g, x, **options: (_sum_vjp(g, x, **options)[0] / terms(x, options.get("dim")),),
        lambda a, g, x, **options: (
            2 * a.u * np.abs(_sum_vjp(g, x, **options)[0]) / terms(x, options.get("dim")) + a.smallest,
        ),
        "a division, or a product with the rounded 1/n",
    ),
    domain=Domain(
        beside_one,
        (
            HardInput("cancelling", _cancelling, far=True),
            HardInput("the sum overflows", lambda a: values(*([a.largest / 2] * 4)), far=True),
            HardInput("subnormal", lambda a: values(*([4 * a.smallest] * 4)), far=True),
        ),
    ),
    check=SUMS_CHECK,
    bench=BENCH,
    cost=reduction_cost,
    identities=(
        Identity(
            "n·mean = sum",
            lambda f, x, **options: f(x, **options) * _terms_of(x, options),
            lambda f, x, **options: torch.sum(x, **options),
            lambda a, x, **options: (
                terms(x, options.get("dim"))
                * a.stored(
                    _mean(x, **options),
                    2 * _mean_bound(a, x, **options) + 3 * a.u * np.abs(_mean(x, **options)),
                )
            ),
        ),
    ),
    special=(
        _special("nan", [1.0, _NAN], _NAN),
        _special("infinities", [1.0, -_INF], -_INF),
        _special("infinities of both signs", [_INF, -_INF], _NAN),
        _special("nothing", [], _NAN),
    ),
    refuses=_REFUSES,
    batch=beside_dim,
    lengths=along_each_dim(),
    summations=(whole(parts=lambda n: n),),
    promotion=promotions.FLOATING_ALONE,
)


def _terms_of(x: torch.Tensor, options: dict[str, Any]) -> int:
    return terms(np.empty(x.shape), options.get("dim"))


def _prod(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    return x.prod(axis=dim, keepdims=keepdim)


def _prod_bound(a: Arithmetic, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    # Unlike a sum, a product is accumulated in the stored type.
    return compounded((terms(x, dim) - 1) * a.u) * np.abs(_prod(x, dim, keepdim)) + _lost(a, x, dim, keepdim)


def _lost(a: Arithmetic, x: Array, dim: Any, keepdim: bool) -> Array:
    """What products on the way lose below the normal numbers, which later factors may make larger."""
    return terms(x, dim) * a.smallest * _prod(np.maximum(np.abs(x), 1), dim, keepdim)


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
    lost = kept(_lost(a, x, dim, keepdim), x.shape, dim, keepdim)
    largest = np.maximum(np.abs(kept(g, x.shape, dim, keepdim)), 1)
    return (compounded((terms(x, dim) + 6) * a.u) * size + 3 * lost * largest,)


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
            HardInput("one zero", lambda a: values(2.0, 0.0, 3.0)),
            HardInput("two zeros", lambda a: values(2.0, 0.0, 0.0)),
            HardInput(
                "rows with a zero, two and none",
                lambda a: (np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 2.0], [1.0, 2.0, 3.0]]),),
                {"dim": 1},
            ),
            HardInput("up and down", lambda a: values(a.smallest_normal, 0.5, 64.0, 1.5), far=True),
            HardInput("near overflow", lambda a: values(a.largest / 64, 2.0, 0.5), far=True),
        ),
    ),
    check=ONE_DIM_CHECK,
    bench=BENCH,
    cost=reduction_cost,
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
    special=(
        _special("nan", [0.0, _NAN], _NAN),
        _special("infinity and zero", [_INF, 0.0], _NAN),
        _special("a negative infinity", [-_INF, 2.0], -_INF),
        _special("a negative zero", [0.0, -2.0], -0.0),
        _special("two negative factors", [-0.0, -2.0], 0.0),
        _special("nothing", [], 1.0),
    ),
    refuses=_REFUSES,
    batch=beside_dim,
    lengths=along_each_dim(most=127),
    promotion=promotions.TOTAL,
)
