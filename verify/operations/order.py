"""Order along a dimension: the values of sort, topk, kthvalue, median. At ties torch chooses the indices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.axes import kept
from verify.operation import (
    Array,
    Domain,
    HardInput,
    Identity,
    Operation,
    Options,
    Refusal,
    Special,
    Workload,
)
from verify.operations.extrema import values_of
from verify.places import Places
from verify.records import promotions
from verify.records.reductions import BENCH, reduction_cost
from verify.records.refusals import dim_out_of_range, not_a_tensor
from verify.records.sampling import beside_dim, beside_kept_dim, distinct, elementwise_cost, values

_NAN, _INF = np.nan, np.inf
_COMPARED = "exact: comparisons and a copy"
_TO_PLACE = "exact: a copy to where the value came from"


def _order(x: Array, dim: int, descending: bool) -> Array:
    """The places of the entries in order. Shapes: that of x. Entries are distinct wherever it matters."""
    found: Array = np.argsort(-x if descending else x, axis=dim, kind="stable")
    return found


def _kept(options: Options) -> bool:
    return bool(options.get("stable"))


def _sorted(x: Array, dim: int = -1, descending: bool = False, stable: bool = False) -> Array:
    return np.take_along_axis(x, _order(x, dim, descending), axis=dim)


def _sorted_vjp(
    g: Array, x: Array, dim: int = -1, descending: bool = False, stable: bool = False
) -> tuple[Array]:
    rank = np.argsort(_order(x, dim, descending), axis=dim)
    return (np.take_along_axis(g, rank, axis=dim),)


def _topk(x: Array, k: int, dim: int = -1, largest: bool = True) -> Array:
    return np.take(_sorted(x, dim, largest), np.arange(k), axis=dim)


def _topk_vjp(g: Array, x: Array, k: int, dim: int = -1, largest: bool = True) -> tuple[Array]:
    rest = 0 * np.take(x, np.arange(k, x.shape[dim]), axis=dim)
    return _sorted_vjp(np.concatenate([g, rest], axis=dim), x, dim, largest)


def _kthvalue(x: Array, k: int, dim: int = -1, keepdim: bool = False) -> Array:
    chosen = np.take(_sorted(x, dim), [k - 1], axis=dim)
    return chosen if keepdim else np.squeeze(chosen, axis=dim)


def _kthvalue_vjp(g: Array, x: Array, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Array]:
    rank = np.argsort(_order(x, dim, False), axis=dim)
    return (kept(g, x.shape, dim, keepdim) * (rank == k - 1),)


def _lower_median(x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """The lower of the two middle entries where their number is even: torch.median."""
    if dim is None:
        return _kthvalue(np.reshape(x, (-1,)), (x.size + 1) // 2)
    return _kthvalue(x, (x.shape[dim] + 1) // 2, dim, keepdim)


def _lower_median_vjp(g: Array, x: Array, dim: int | None = None, keepdim: bool = False) -> tuple[Array]:
    if dim is None:
        return (np.reshape(_kthvalue_vjp(g, np.reshape(x, (-1,)), (x.size + 1) // 2)[0], x.shape),)
    return _kthvalue_vjp(g, x, (x.shape[dim] + 1) // 2, dim, keepdim)


def _hard(**options: Any) -> tuple[HardInput, ...]:
    return (
        HardInput("neighbours", lambda a: values(1.0, 1.0 + 2 * a.u, 1.0 - a.u), options, far=True),
        HardInput(
            "extremes",
            lambda a: values(-a.largest, a.largest, a.smallest, -a.smallest, a.smallest_normal),
            options,
            far=True,
        ),
        HardInput("descending", lambda a: values(3.0, 2.0, 1.0, -1.0, -2.0), options),
    )


def _special(name: str, x: list[float], result: Any, source: str, **options: Any) -> Special:
    return Special(name, values(*x), np.array(result, dtype=float), source, options)


def _rows(result: Any, source: str, **options: Any) -> Special:
    """Two rows in no order, the first with a nan."""
    x = np.array([[2.0, _NAN, -_INF], [3.0, 1.0, 2.0]])
    label = ", ".join(f"{name} {value}" for name, value in options.items())
    return Special(f"rows, {label}", (x,), np.array(result, dtype=float), source, options)


def _sort_flops(workload: Workload) -> float:
    """Comparisons that any sort needs: log₂ n! of n entries, a little below n log₂ n."""
    n = workload.shapes[0][workload.options.get("dim", -1)]
    return math.log2(max(2, n))


def _sorting_cost(workload: Workload) -> Any:
    return elementwise_cost(_sort_flops(workload))(workload)


SORT = Operation(
    name="sort",
    subject="order",
    function=values_of(torch.sort),
    forward=analysed("x in ascending (or descending) order", _sorted, _COMPARED),
    vjp=analysed("∂xᵢ = g at the rank of xᵢ", _sorted_vjp, _TO_PLACE),
    domain=Domain(distinct, _hard()),
    check=(
        Workload("7", ((7,),)),
        Workload("5x5-dim0-descending", ((5, 5),), {"dim": 0, "descending": True}),
        Workload("97", ((97,),)),
        Workload("4x6-dim-1-transposed", ((4, 6),), {"dim": -1}, layout="transposed"),
        Workload("3x2x5-dim1-strided", ((3, 2, 5),), {"dim": 1}, layout="strided"),
        Workload("3x41-stable", ((3, 41),), {"stable": True}),
        Workload("2x70-stable-descending", ((2, 70),), {"stable": True, "dim": 1, "descending": True}),
    ),
    bench=(
        Workload("1024x1024", ((1024, 1024),)),
        Workload("64", ((64,),)),
        Workload("1000003", ((1_000_003,),)),
        Workload("1024x1024-dim0", ((1024, 1024),), {"dim": 0}),
    ),
    cost=_sorting_cost,
    identities=(
        Identity(
            "descending is ascending of −x",
            lambda f, x, **options: f(x, **{**options, "descending": True}),
            lambda f, x, **options: -f(-x, **{**options, "descending": False}),
        ),
        Identity(
            "sorting twice is sorting once",
            lambda f, x, **options: f(f(x, **options), **options),
            lambda f, x, **options: f(x, **options),
        ),
    ),
    special=(
        _special(
            "nan last", [2.0, _NAN, -_INF, _INF], [-_INF, 2.0, _INF, _NAN], "torch.sort: nan is largest"
        ),
        _special("ties", [1.0, 0.5, 1.0], [0.5, 1.0, 1.0], "torch.sort"),
        _rows([[-_INF, 2.0, _NAN], [1.0, 2.0, 3.0]], "torch.sort: nan is largest", dim=1),
        _rows([[_NAN, 2.0, -_INF], [3.0, 2.0, 1.0]], "torch.sort: nan is largest", dim=1, descending=True),
        _special("nothing", [], [], "torch.sort of no entries"),
    ),
    refuses=(dim_out_of_range(), not_a_tensor()),
    batch=beside_kept_dim,
    places=Places(
        "torch.sort: with stable, equals keep their order",
        torch.sort,
        dim=-1,
        in_order=_kept,
    ),
    promotion=promotions.IN_ORDER,
)

TOPK = Operation(
    name="topk",
    subject="order",
    function=values_of(torch.topk),
    forward=analysed("the k largest (or smallest) entries, the first the most so", _topk, _COMPARED),
    vjp=analysed("∂xᵢ = g at the rank of xᵢ if it is below k, else 0", _topk_vjp, _TO_PLACE),
    domain=Domain(distinct, _hard(k=2)),
    check=(
        Workload("7-k3", ((7,),), {"k": 3}),
        Workload("5x5-k2-dim0", ((5, 5),), {"k": 2, "dim": 0}),
        Workload("97-k97", ((97,),), {"k": 97}),
        Workload("4x6-k1-smallest", ((4, 6),), {"k": 1, "dim": -1, "largest": False}),
        Workload("6x5-k4-strided", ((6, 5),), {"k": 4, "dim": 1}, layout="strided"),
    ),
    bench=(
        Workload("1024x1024-k8", ((1024, 1024),), {"k": 8}),
        Workload("64-k4", ((64,),), {"k": 4}),
        Workload("64x50257-k50", ((64, 50257),), {"k": 50}),
    ),
    cost=reduction_cost,
    identities=(
        Identity(
            "topk is the beginning of sort",
            lambda f, x, k, dim=-1, largest=True: f(x, k=k, dim=dim, largest=largest),
            lambda f, x, k, dim=-1, largest=True: x.sort(dim, descending=largest).values.narrow(dim, 0, k),
        ),
    ),
    special=(
        _special("nan first", [1.0, _NAN, _INF], [_NAN, _INF], "torch.topk: nan is largest", k=2),
        _special("ties", [1.0, 0.5, 1.0], [1.0, 1.0], "torch.topk", k=2),
        _rows([[_NAN, 2.0], [3.0, 2.0]], "torch.topk: nan is largest", dim=1, k=2),
        _rows([[-_INF, 2.0], [1.0, 2.0]], "torch.topk: nan is largest", dim=1, k=2, largest=False),
        _special("none of them", [1.0, 2.0], [], "torch.topk: 0 ≤ k", k=0),
    ),
    refuses=(
        dim_out_of_range(k=1),
        Refusal("k above the size", lambda f, tensor: f(tensor(3), k=4), (RuntimeError,)),
        Refusal("k below 0", lambda f, tensor: f(tensor(3), k=-1), (RuntimeError,)),
    ),
    batch=beside_kept_dim,
    places=Places("torch.topk", torch.topk, dim=-1),
    promotion=promotions.IN_ORDER,
)

KTHVALUE = Operation(
    name="kthvalue",
    subject="order",
    function=values_of(torch.kthvalue),
    forward=analysed("the k-th smallest entry", _kthvalue, _COMPARED),
    vjp=analysed("∂xᵢ = g if xᵢ is the k-th smallest else 0", _kthvalue_vjp, _TO_PLACE),
    domain=Domain(distinct, _hard(k=2)),
    check=(
        Workload("7-k3", ((7,),), {"k": 3}),
        Workload("5x5-k2-dim0", ((5, 5),), {"k": 2, "dim": 0}),
        Workload("97-k49", ((97,),), {"k": 49}),
        Workload("4x6-k6-keepdim", ((4, 6),), {"k": 6, "dim": 1, "keepdim": True}),
        Workload("6x5-k1-strided", ((6, 5),), {"k": 1, "dim": -1}, layout="strided"),
    ),
    bench=(
        Workload("1024x1024-k8", ((1024, 1024),), {"k": 8}),
        Workload("64-k4", ((64,),), {"k": 4}),
    ),
    cost=reduction_cost,
    identities=(
        Identity(
            "the k-th of sort",
            lambda f, x, k, dim=-1, keepdim=False: f(x, k=k, dim=dim),
            lambda f, x, k, dim=-1, keepdim=False: x.sort(dim).values.select(dim, k - 1),
        ),
    ),
    special=(
        _special("nan is largest", [1.0, _NAN, -_INF], 1.0, "torch.kthvalue, as torch.sort", k=2),
        _special("ties", [2.0, 2.0, 1.0], 2.0, "torch.kthvalue", k=3),
        _rows([_NAN, 3.0], "torch.kthvalue: nan is largest", dim=1, k=3),
    ),
    refuses=(
        dim_out_of_range(k=1),
        Refusal("k = 0", lambda f, tensor: f(tensor(3), k=0), (RuntimeError,)),
        Refusal("k above the size", lambda f, tensor: f(tensor(3), k=4), (RuntimeError,)),
    ),
    batch=beside_dim,
    places=Places("torch.kthvalue", torch.kthvalue, dim=-1),
    promotion=promotions.IN_ORDER,
)

MEDIAN = Operation(
    name="median",
    subject="order",
    function=values_of(torch.median),
    forward=analysed("the lower of the middle entries", _lower_median, _COMPARED),
    vjp=analysed("∂xᵢ = g if xᵢ is the median else 0", _lower_median_vjp, _TO_PLACE),
    domain=Domain(distinct, _hard()),
    check=(
        Workload("7", ((7,),)),
        Workload("5x5-dim0", ((5, 5),), {"dim": 0}),
        Workload("96", ((96,),)),
        Workload("4x6-dim1-keepdim", ((4, 6),), {"dim": 1, "keepdim": True}),
        Workload("6x5-dim-1-strided", ((6, 5),), {"dim": -1}, layout="strided"),
    ),
    bench=BENCH[:4],
    cost=reduction_cost,
    identities=(
        Identity(
            "the median is the ⌈n/2⌉-th value",
            lambda f, x, dim, keepdim=False: f(x, dim=dim),
            lambda f, x, dim, keepdim=False: x.kthvalue((x.shape[dim] + 1) // 2, dim).values,
            applies=lambda workload: "dim" in workload.options,
        ),
        Identity(
            "the median of 2x is twice the median",
            lambda f, x, **options: f(2 * x, **options),
            lambda f, x, **options: 2 * f(x, **options),
        ),
    ),
    special=(
        _special("nan wins", [1.0, _NAN, 2.0], _NAN, "torch.median: nan propagates"),
        _rows([_NAN, 2.0], "torch.median: nan propagates", dim=1),
        _special("infinities", [_INF, 1.0, -_INF], 1.0, "torch.median"),
        _special("an even number", [4.0, 1.0, 3.0, 2.0], 2.0, "torch.median: the lower of two medians"),
        _special("nothing", [], _NAN, "torch.median of no entries"),
    ),
    refuses=(dim_out_of_range(), not_a_tensor()),
    batch=beside_dim,
    places=Places("torch.median", torch.median),
    promotion=promotions.IN_ORDER,
)
