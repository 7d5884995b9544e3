"""Cumulative sums and products along a dimension: cumsum, cumprod."""

from __future__ import annotations

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.operation import Array, Domain, HardInput, Identity, Operation, Refusal, Special, Workload
from verify.records import promotions
from verify.records.lengths import along_each_dim
from verify.records.refusals import dim_out_of_range
from verify.records.sampling import beside_kept_dim, beside_one, elementwise_cost, near_one, values
from verify.records.summed import of_gradient
from verify.summation import Summation

_CHECK = (
    Workload("41-dim0", ((41,),), {"dim": 0}),
    Workload("5x5-dim-1", ((5, 5),), {"dim": -1}),
    Workload("4x3x6-dim1", ((4, 3, 6),), {"dim": 1}),
    Workload("6x5-dim0-transposed", ((6, 5),), {"dim": 0}, layout="transposed"),
    Workload("3x35-dim1-strided", ((3, 35),), {"dim": 1}, layout="strided"),
)
_BENCH = (
    Workload("1024x1024-dim1", ((1024, 1024),), {"dim": 1}),
    Workload("64-dim0", ((64,),), {"dim": 0}),
    Workload("1024x1024-dim0", ((1024, 1024),), {"dim": 0}),
)


def _from_the_end(x: Array, dim: int) -> Array:
    return np.flip(np.cumsum(np.flip(x, dim), axis=dim), dim)


def _cumsum(x: Array, dim: int) -> Array:
    return np.cumsum(x, axis=dim)


def _special(name: str, x: list[float], result: list[float], source: str) -> Special:
    return Special(name, values(*x), np.array(result, dtype=float), source, {"dim": 0})


_REFUSES = (
    dim_out_of_range(),
    Refusal("no dimension given", lambda f, tensor: f(tensor(3)), (TypeError,)),
)
_NAN, _INF = np.nan, np.inf

CUMSUM: Operation = Operation(
    name="cumsum",
    subject="cumulative",
    function=torch.cumsum,
    forward=analysed("yᵢ = Σⱼ≤ᵢ xⱼ", _cumsum, "the i-th of them has i − 1 roundings"),
    vjp=analysed(
        "∂xⱼ = Σᵢ≥ⱼ gᵢ",
        lambda g, x, dim: (_from_the_end(g, dim),),
        "a cumulative sum from the end (derivatives.yaml)",
    ),
    domain=Domain(
        beside_one,
        (
            HardInput("small after large", lambda a: values(1.0, *([a.u] * 6)), {"dim": 0}, far=True),
            HardInput("near overflow", lambda a: values(*([a.largest / 16] * 6)), {"dim": 0}, far=True),
            HardInput("zeros", lambda a: values(0.0, -0.0, 1.5, 0.0), {"dim": 0}),
        ),
    ),
    check=_CHECK,
    bench=_BENCH,
    cost=elementwise_cost(1),
    identities=(
        Identity("Σ 2x = 2 Σ x", lambda f, x, dim: f(2 * x, dim=dim), lambda f, x, dim: 2 * f(x, dim=dim)),
        Identity(
            "the last one is the sum",
            lambda f, x, dim: f(x, dim=dim).select(dim, -1),
            lambda f, x, dim: x.sum(dim),
            lambda a, x, dim: (
                2
                * np.take(
                    a.stored(_cumsum(np.abs(x), dim), CUMSUM.forward.bound(a, np.abs(x), dim=dim)),
                    -1,
                    axis=dim,
                )
            ),
        ),
    ),
    special=(
        _special(
            "nan and infinities", [1.0, _INF, -_INF, 1.0], [1.0, _INF, _NAN, _NAN], "IEEE 754-2019, 6.1"
        ),
        _special("a first −0", [-0.0, -0.0, 1.0], [-0.0, -0.0, 1.0], "torch.cumsum: y₁ = x₁; IEEE 754, 6.3"),
        _special("nothing", [], [], "torch.cumsum of no entries"),
    ),
    refuses=_REFUSES,
    batch=beside_kept_dim,
    lengths=along_each_dim(),
    summations=(
        Summation(lambda f, x: f(x, dim=0)[-1]),
        of_gradient(0, lambda x: (torch.zeros_like(x),), dim=0),
    ),
    promotion=promotions.TOTAL,
)


def _cumprod(x: Array, dim: int) -> Array:
    """Products one after the other: every arithmetic has a product, not every one a running one."""
    x = np.moveaxis(x, dim, 0)
    products = [x[0]]
    for i in range(1, x.shape[0]):
        products.append(products[-1] * x[i])
    return np.moveaxis(np.stack(products), 0, dim)


def _cumprod_vjp(g: Array, x: Array, dim: int) -> tuple[Array]:
    """Σₖ≥ᵢ gₖ Πⱼ≤ₖ,ⱼ≠ᵢ xⱼ without a division: from the end, each sum is x times the one after it."""
    g, x = np.moveaxis(g, dim, 0), np.moveaxis(x, dim, 0)
    before = [0 * x[0] + 1]
    after = [g[-1]]
    for i in range(1, x.shape[0]):
        before.append(before[-1] * x[i - 1])
        after.append(after[-1] * x[-i] + g[-1 - i])
    return (np.moveaxis(np.stack(before) * np.stack(after[::-1]), 0, dim),)


def _omitting(g: Array, x: Array) -> Array:
    """The same gradient along the first dimension, every sum of products formed one by one."""
    before, found = 0 * x[0] + 1, []
    for i in range(x.shape[0]):
        product = before
        terms = [product * g[i]]
        for k in range(i + 1, x.shape[0]):
            product = product * x[k]
            terms.append(product * g[k])
        found.append(np.sum(np.stack(terms), axis=0))
        before = before * x[i]
    return np.stack(found)


def _cumprod_vjp_as_torch(g: Array, x: Array, dim: int) -> tuple[Array]:
    """A cumulative sum from the end divided by x; from the first 0 on, sums of products that leave it out."""
    zero = x == 0
    first = np.cumsum(zero, axis=dim) > 0
    divided = _from_the_end(_cumprod(x, dim) * g, dim) / np.where(zero, 1, x)
    if not zero.any():
        return (divided,)
    omitting = np.moveaxis(_omitting(np.moveaxis(g, dim, 0), np.moveaxis(x, dim, 0)), 0, dim)
    return (np.where(first, omitting, divided),)


CUMPROD: Operation = Operation(
    name="cumprod",
    subject="cumulative",
    function=torch.cumprod,
    forward=analysed("yᵢ = Πⱼ≤ᵢ xⱼ", _cumprod, "the i-th of them has i − 1 roundings"),
    vjp=analysed(
        "∂xⱼ = Σᵢ≥ⱼ gᵢ Πₖ≤ᵢ,ₖ≠ⱼ xₖ",
        _cumprod_vjp,
        "Σᵢ≥ⱼ gᵢ yᵢ / xⱼ where no entry is 0 (FunctionsManual.cpp, cumprod_backward)",
        algorithm=_cumprod_vjp_as_torch,
    ),
    domain=Domain(
        near_one,
        (
            HardInput("one zero", lambda a: values(2.0, 0.0, 3.0, -1.5), {"dim": 0}),
            HardInput("two zeros", lambda a: values(2.0, 0.0, 3.0, 0.0, 1.5), {"dim": 0}),
            HardInput("up and down", lambda a: values(a.largest / 256, 2.0, 0.25), {"dim": 0}, far=True),
        ),
    ),
    check=_CHECK,
    bench=_BENCH,
    cost=elementwise_cost(1),
    identities=(
        Identity(
            "the last one is the product",
            lambda f, x, dim: f(x, dim=dim).select(dim, -1),
            lambda f, x, dim: x.prod(dim),
            lambda a, x, dim: (
                2 * np.take(a.stored(_cumprod(x, dim), CUMPROD.forward.bound(a, x, dim=dim)), -1, axis=dim)
            ),
        ),
        Identity(
            "the magnitudes of −x are those of x",
            lambda f, x, dim: f(-x, dim=dim).abs(),
            lambda f, x, dim: f(x, dim=dim).abs(),
        ),
    ),
    special=(
        _special("nan and zero", [2.0, _NAN, 0.0], [2.0, _NAN, _NAN], "IEEE 754-2019, 6.2"),
        _special("infinity and zero", [_INF, 0.0, 1.0], [_INF, _NAN, _NAN], "IEEE 754-2019, 7.2"),
        _special("zeros", [-1.0, 0.0, -1.0], [-1.0, -0.0, 0.0], "IEEE 754-2019, 6.3"),
        _special("nothing", [], [], "torch.cumprod of no entries"),
    ),
    refuses=_REFUSES,
    batch=beside_kept_dim,
    lengths=along_each_dim(most=127),
    promotion=promotions.TOTAL,
)
