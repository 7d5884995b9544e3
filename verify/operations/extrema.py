"""Extrema over dimensions: max, min, amax, amin, argmax, argmin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic
from verify.formulas.axes import kept
from verify.operation import (
    Array,
    Domain,
    Formula,
    HardInput,
    Identity,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.places import Places
from verify.promotion import Promotion
from verify.records import promotions
from verify.records.reductions import BENCH, ONE_DIM_CHECK, SUMS_CHECK, reduction_cost
from verify.records.refusals import dim_out_of_range, not_a_tensor
from verify.records.sampling import always, beside_dim, distinct, values


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


def _of(largest: bool, formula: Callable[..., Any]) -> Callable[..., Any]:
    """A formula of the maximum, or the same of the minimum: of −x. In a gradient the two signs cancel."""
    return formula if largest else lambda *given, **options: formula(*given[:-1], -given[-1], **options)


def _extreme(largest: bool) -> Formula:
    evaluate = _amax if largest else lambda x, **options: -_amax(-x, **options)
    return Formula("maxᵢ xᵢ" if largest else "minᵢ xᵢ", evaluate, _exact, _COMPARED)


def _record(
    largest: bool,
    function: Callable[..., Any],
    forward: Formula,
    vjp: Formula | None,
    check: tuple[Workload, ...],
    identities: tuple[Identity, ...],
    special: tuple[Special, ...] | None = None,
    places: Places | None = None,
    promotion: Promotion = promotions.IN_ORDER,
) -> Operation:
    """What all extrema share: inputs without ties, and named ones with them."""
    end = _INF if largest else -_INF
    along = Special(
        "nan along a dimension",
        (np.array([[1.0, _NAN, 2.0], [3.0, 1.0, 2.0]]),),
        np.array([_NAN, 3.0 if largest else 1.0]),
        "Array API standard 2024.12: nan propagates",
        {"dim": 1},
    )
    return Operation(
        name=function.__name__,
        subject="reductions",
        function=values_of(function),
        forward=forward,
        vjp=vjp,
        domain=Domain(distinct, _TIED),
        check=check,
        bench=BENCH,
        cost=reduction_cost,
        identities=identities,
        special=special
        or (
            _special("nan wins", [1.0, _NAN, 2.0], _NAN),
            along,
            _special("infinities", [1.0, _INF, -_INF], end),
        ),
        refuses=_REFUSES,
        batch=beside_dim,
        places=places,
        promotion=promotion,
    )


def _along(largest: bool) -> Operation:
    """torch.max or torch.min: along a dimension the gradient goes to the index that it returns."""
    function, other = (torch.max, torch.min) if largest else (torch.min, torch.max)
    name, opposite = function.__name__, other.__name__
    return _record(
        largest,
        function,
        _extreme(largest),
        Formula(
            f"∂xᵢ = g at the first {name}imum along a dimension; shared by all {name}ima without one",
            _of(largest, _first),
            _of(largest, _first_bound),
            f"exact along a dimension; a division among ties otherwise (torch.{name}, torch.a{name})",
        ),
        ONE_DIM_CHECK,
        (
            Identity(
                f"{name} x = −{opposite}(−x)",
                lambda f, x, **options: f(x, **options),
                lambda f, x, **options: -values_of(other)(-x, **options),
            ),
            Identity(
                "the values lie at the indices",
                lambda f, x, dim, keepdim=False: f(x, dim=dim, keepdim=True),
                lambda f, x, dim, keepdim=False: x.gather(dim, function(x, dim, keepdim=True).indices),
                applies=lambda workload: "dim" in workload.options,
            ),
        ),
        places=Places(f"torch.{name}: the first of several", function, in_order=always),
    )


def _among_ties(largest: bool) -> Operation:
    """torch.amax or torch.amin: the gradient is shared by all entries that reach the extremum."""
    function, other = (torch.amax, torch.amin) if largest else (torch.amin, torch.amax)
    plain = torch.max if largest else torch.min
    name, opposite = function.__name__, other.__name__
    return _record(
        largest,
        function,
        _extreme(largest),
        Formula(
            f"∂xᵢ = g/#{name[1:]}ima at every {name[1:]}imum",
            _of(largest, _shared),
            _of(largest, _shared_bound),
            f"a division among ties (torch.{name})",
        ),
        SUMS_CHECK,
        (
            Identity(
                f"{name} = {name[1:]}",
                lambda f, x, **options: f(x, **options),
                lambda f, x, **options: values_of(plain)(x, **options),
                applies=lambda workload: not isinstance(workload.options.get("dim"), tuple),
            ),
            Identity(
                f"{name} x = −{opposite}(−x)",
                lambda f, x, **options: f(x, **options),
                lambda f, x, **options: -other(-x, **options),
            ),
        ),
    )


def _argmax(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    index = np.argmax(x, axis=dim)
    return kept(index, x.shape, dim) if keepdim else np.asarray(index)


def _place(largest: bool) -> Operation:
    """torch.argmax or torch.argmin: the first place of the extremum; it has no gradient."""
    function, other = (torch.argmax, torch.argmin) if largest else (torch.argmin, torch.argmax)
    values_there = torch.amax if largest else torch.amin
    name, opposite, short = function.__name__, other.__name__, function.__name__[3:]
    tied = 3.0 if largest else 1.0
    return _record(
        largest,
        function,
        Formula(f"the first i with xᵢ = {short} x", _of(largest, _argmax), _exact, _COMPARED),
        None,
        ONE_DIM_CHECK,
        (
            Identity(
                f"x at {name} = a{short}",
                lambda f, x, dim, keepdim=False: x.gather(dim, f(x, dim=dim, keepdim=True)),
                lambda f, x, dim, keepdim=False: values_there(x, dim, keepdim=True),
                applies=lambda workload: "dim" in workload.options,
            ),
            Identity(
                f"{name} x = {opposite}(−x)",
                lambda f, x, **options: f(x, **options),
                lambda f, x, **options: other(-x, **options),
            ),
        ),
        (
            Special("the first nan", values(1.0, _NAN, 2.0, _NAN), np.array(1), f"torch.{name}: nan wins"),
            Special("ties", values(2.0, tied, tied), np.array(1), f"the first, as numpy.{name}"),
            Special(
                "nan along a dimension",
                (np.array([[1.0, _NAN, _NAN], [tied, 2.0, tied]]),),
                np.array([1, 0]),
                f"torch.{name}: nan wins",
                {"dim": 1},
            ),
        ),
        places=Places(f"torch.{name}: the first of several", in_order=always),
        promotion=promotions.PLACES,
    )


MAX, MIN = _along(largest=True), _along(largest=False)
AMAX, AMIN = _among_ties(largest=True), _among_ties(largest=False)
ARGMAX, ARGMIN = _place(largest=True), _place(largest=False)
