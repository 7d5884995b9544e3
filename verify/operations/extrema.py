"""Extrema over dimensions: max, min, amax, amin, argmax, argmin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic
from verify.formulas.axes import kept
from verify.operation import Array, Domain, Formula, HardInput, Identity, Operation, Refusal, Special
from verify.records.reductions import BENCH, ONE_DIM_CHECK, SUMS_CHECK, reduction_cost
from verify.records.refusals import dim_out_of_range, not_a_tensor
from verify.records.sampling import beside_dim, distinct, values


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


def values_of(function: Callable[..., Any]) -> Callable[..., torch.Tensor]:
    """torch.max and torch.min along a dimension return values and indices: the values."""

    def values(x: torch.Tensor, **options: Any) -> torch.Tensor:
        result = function(x, **options)
        return result if isinstance(result, torch.Tensor) else result.values

    return values


_TIED = (
    HardInput("ties", lambda a: values(1.0, 2.0, 2.0, -1.0)),
    HardInput(
        "ties along a dimension", lambda a: (np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]),), {"dim": 1}
    ),
    HardInput("one entry", lambda a: values(-1.5)),
    HardInput("neighbours", lambda a: values(1.0, 1.0 + 2 * a.u, 1.0 - a.u)),
    HardInput("extremes", lambda a: values(-a.largest, a.largest, a.smallest, -a.smallest), far=True),
)
_COMPARED = "exact: comparisons and a copy"
_NAN, _INF = np.nan, np.inf
_REFUSES = (
    dim_out_of_range(),
    not_a_tensor(),
    # The extremum of nothing has no identity to be: torch.max, torch.amax, torch.argmax.
    Refusal("no entries", lambda f, tensor: f(tensor(0)), (RuntimeError, IndexError)),
    Refusal(
        "a dimension without entries", lambda f, tensor: f(tensor(2, 0), dim=1), (RuntimeError, IndexError)
    ),
)


def _special(name: str, x: list[float], result: float) -> Special:
    return Special(name, values(*x), np.array(result), "Array API standard 2024.12: nan propagates")


def _values_at_indices(extremum: Callable[..., Any]) -> Identity:
    return Identity(
        "the values lie at the indices",
        lambda f, x, dim, keepdim=False: f(x, dim=dim, keepdim=True),
        lambda f, x, dim, keepdim=False: x.gather(dim, extremum(x, dim, keepdim=True).indices),
        applies=lambda workload: "dim" in workload.options,
    )


MAX = Operation(
    name="max",
    subject="reductions",
    function=values_of(torch.max),
    forward=Formula("maxᵢ xᵢ", _amax, _exact, _COMPARED),
    vjp=Formula(
        "∂xᵢ = g at the first maximum along a dimension; shared by all maxima without one",
        _first,
        _first_bound,
        "exact along a dimension; a division among ties otherwise (torch.max, torch.amax)",
    ),
    domain=Domain(distinct, _TIED),
    check=ONE_DIM_CHECK,
    bench=BENCH,
    cost=reduction_cost,
    identities=(
        Identity(
            "max x = −min(−x)", lambda f, x, **o: f(x, **o), lambda f, x, **o: -values_of(torch.min)(-x, **o)
        ),
        _values_at_indices(torch.max),
    ),
    special=(_special("nan wins", [1.0, _NAN, 2.0], _NAN), _special("infinities", [1.0, _INF, -_INF], _INF)),
    refuses=_REFUSES,
    batch=beside_dim,
)

MIN = Operation(
    name="min",
    subject="reductions",
    function=values_of(torch.min),
    forward=Formula("minᵢ xᵢ", lambda x, **options: -_amax(-x, **options), _exact, _COMPARED),
    vjp=Formula(
        "∂xᵢ = g at the first minimum along a dimension; shared by all minima without one",
        _mirrored(_first),
        lambda a, g, x, **options: _first_bound(a, g, -x, **options),
        "exact along a dimension; a division among ties otherwise (torch.min, torch.amin)",
    ),
    domain=Domain(distinct, _TIED),
    check=ONE_DIM_CHECK,
    bench=BENCH,
    cost=reduction_cost,
    identities=(
        Identity(
            "min x = −max(−x)", lambda f, x, **o: f(x, **o), lambda f, x, **o: -values_of(torch.max)(-x, **o)
        ),
        _values_at_indices(torch.min),
    ),
    special=(_special("nan wins", [1.0, _NAN, 2.0], _NAN), _special("infinities", [1.0, _INF, -_INF], -_INF)),
    refuses=_REFUSES,
    batch=beside_dim,
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
    check=SUMS_CHECK,
    bench=BENCH,
    cost=reduction_cost,
    identities=(
        Identity(
            "amax = max",
            lambda f, x, **options: f(x, **options),
            lambda f, x, **options: torch.max(x, **options).values if options else torch.max(x),
            applies=lambda workload: not isinstance(workload.options.get("dim"), tuple),
        ),
        Identity("amax x = −amin(−x)", lambda f, x, **o: f(x, **o), lambda f, x, **o: -torch.amin(-x, **o)),
    ),
    special=(_special("nan wins", [1.0, _NAN, 2.0], _NAN), _special("infinities", [1.0, _INF, -_INF], _INF)),
    refuses=_REFUSES,
    batch=beside_dim,
)


AMIN = Operation(
    name="amin",
    subject="reductions",
    function=torch.amin,
    forward=Formula("minᵢ xᵢ", lambda x, **options: -_amax(-x, **options), _exact, _COMPARED),
    vjp=Formula(
        "∂xᵢ = g/#minima at every minimum",
        _mirrored(_shared),
        lambda a, g, x, **options: _shared_bound(a, g, -x, **options),
        "a division among ties (torch.amin)",
    ),
    domain=Domain(distinct, _TIED),
    check=SUMS_CHECK,
    bench=BENCH,
    cost=reduction_cost,
    identities=(
        Identity("amin x = −amax(−x)", lambda f, x, **o: f(x, **o), lambda f, x, **o: -torch.amax(-x, **o)),
    ),
    special=(_special("nan wins", [1.0, _NAN, 2.0], _NAN), _special("infinities", [1.0, _INF, -_INF], -_INF)),
    refuses=_REFUSES,
    batch=beside_dim,
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
    check=ONE_DIM_CHECK,
    bench=BENCH,
    cost=reduction_cost,
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
    special=(
        Special("the first nan", values(1.0, _NAN, 2.0, _NAN), np.array(1), "torch.argmax: nan wins"),
        Special("ties", values(2.0, 3.0, 3.0), np.array(1), "torch.argmax; the first, as numpy.argmax"),
    ),
    refuses=_REFUSES,
    batch=beside_dim,
)

ARGMIN = Operation(
    name="argmin",
    subject="reductions",
    function=torch.argmin,
    forward=Formula("the first i with xᵢ = min x", lambda x, **o: _argmax(-x, **o), _exact, _COMPARED),
    vjp=None,
    domain=Domain(distinct, _TIED),
    check=ONE_DIM_CHECK,
    bench=BENCH,
    cost=reduction_cost,
    identities=(
        Identity(
            "x at argmin = amin",
            lambda f, x, dim, keepdim=False: x.gather(dim, f(x, dim=dim, keepdim=True)),
            lambda f, x, dim, keepdim=False: x.amin(dim, keepdim=True),
            applies=lambda workload: "dim" in workload.options,
        ),
        Identity(
            "argmin x = argmax(−x)", lambda f, x, **o: f(x, **o), lambda f, x, **o: torch.argmax(-x, **o)
        ),
    ),
    special=(
        Special("the first nan", values(1.0, _NAN, 2.0, _NAN), np.array(1), "torch.argmin: nan wins"),
        Special("ties", values(2.0, 1.0, 1.0), np.array(1), "torch.argmin; the first, as numpy.argmin"),
    ),
    refuses=_REFUSES,
    batch=beside_dim,
)
