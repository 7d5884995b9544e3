"""Vector norms of any order p and of order infinity. They are no matrix norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic, compounded
from verify.formulas.axes import kept
from verify.operation import (
    Array,
    Cost,
    Domain,
    Formula,
    HardInput,
    Identity,
    Operation,
    Special,
    Workload,
)
from verify.records import promotions
from verify.records.lengths import of_all
from verify.records.refusals import dim_out_of_range, not_a_tensor
from verify.records.sampling import beside_dim, off_zero, values

_INF = math.inf


def _all(shape: tuple[int, ...], dim: Any) -> Any:
    return tuple(range(len(shape))) if dim is None else dim


def vector_norm(x: Array, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Array:
    """(Σ |xᵢ|ᵖ)^(1/p) over dimensions, all of them if `dim` is None."""
    if keepdim:
        return kept(vector_norm(x, ord, dim), x.shape, dim)
    axes, size = _all(x.shape, dim), np.abs(x)
    largest = size.max(axis=axes, keepdims=True)
    if ord == _INF:
        return largest.squeeze(axes)
    if ord == 1:
        return size.sum(axis=axes)
    # Scaled by the largest entry, an exact input, so that float64 neither overflows nor underflows.
    unit = np.where(largest == 0, 0 * largest + 1, largest)
    total = ((size / unit) ** _exponent(ord)).sum(axis=axes)
    return largest.squeeze(axes) * _root(total, ord)


def _exponent(p: float) -> float:
    """A whole exponent as such: balls multiply instead of taking a logarithm, which 0 does not have."""
    return int(p) if p == int(p) else p


def _root(total: Array, order: float) -> Array:
    if order == 2:
        return np.sqrt(total)
    # The exponent 1/p is formed in the arithmetic of its argument: a float 1/3 would be off by 2⁻⁵⁵.
    safe = np.where(total == 0, 0 * total + 1, total)
    return np.where(total == 0, 0 * total, safe ** ((0 * total + 1) / order))


def _terms(x: Array, dim: Any) -> int:
    axes = _all(x.shape, dim)
    return math.prod(x.shape[i] for i in (axes if isinstance(axes, tuple) else (axes,)))


def _relative(a: Arithmetic, x: Array, ord: float, dim: Any) -> Array:
    """Relative error of the norm: all terms are positive, so γ of the sum, then 1/p of it, then the root."""
    n = _terms(x, dim)
    if ord == _INF:
        return np.zeros(())
    if ord == 1:
        return np.asarray(a.gamma(n - 1))
    if ord == 2:
        return np.asarray(compounded((n + 1) * a.w / 2 + a.w))
    # pow rounds as an elementary function, and the rounding of 1/p moves the result by w|log Σ|/p.
    total = np.log(np.maximum((np.abs(x) ** ord).sum(axis=_all(x.shape, dim)), 1e-300))
    return np.asarray(compounded((a.elementary + n * a.w + a.w * np.abs(total)) / ord + a.elementary + a.w))


def _norm_bound(a: Arithmetic, x: Array, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Array:
    bound = _relative(a, x, ord, dim) * vector_norm(x, ord, dim)
    return kept(bound, x.shape, dim) if keepdim else bound


def _norm_vjp(g: Array, x: Array, ord: float = 2, dim: Any = None, keepdim: bool = False) -> tuple[Array]:
    y, g = kept(vector_norm(x, ord, dim), x.shape, dim), kept(g, x.shape, dim, keepdim)
    sign = np.where(x > 0, 1, np.where(x < 0, -1, 0))
    if ord == 1:
        return (g * sign,)
    if ord == _INF:
        reached = np.abs(x) == y
        return (g * sign * reached / reached.sum(axis=_all(x.shape, dim), keepdims=True),)
    safe = np.where(y == 0, 0 * y + 1, y)
    return (g * np.where(y == 0, 0 * x, sign * (np.abs(x) / safe) ** _exponent(ord - 1)),)


def _norm_vjp_bound(
    a: Arithmetic, g: Array, x: Array, ord: float = 2, dim: Any = None, keepdim: bool = False
) -> tuple[Array]:
    # sign·|x|^(p−1)·g/‖x‖^(p−1): the stored norm's error p − 1 times, two powers, and a handful of roundings.
    size = np.abs(_norm_vjp(g, x, ord, dim, keepdim)[0])
    if ord == 1:
        return (0 * size,)
    of_norm = (
        kept(np.broadcast_to(_relative(a, x, ord, dim), vector_norm(x, ord, dim).shape), x.shape, dim) + a.u
    )
    powers = 0 if ord in (2, _INF) else 2 * a.elementary
    order = 1 if ord == _INF else abs(ord - 1)
    return (compounded(order * of_norm + powers + 6 * a.u) * size + a.smallest,)


def _special(name: str, x: list[float], result: float, **options: Any) -> Special:
    return Special(name, values(*x), np.array(result), "torch.linalg.vector_norm", options)


def _cost(workload: Workload) -> Cost:
    n = float(math.prod(workload.shapes[0]))
    return Cost(2 * n, n)


def _beyond_the_square(a: Arithmetic) -> float:
    """A number whose square overflows, although twice the number itself is far from it."""
    return float(2.0 ** (np.floor(np.log2(a.largest) * 0.75)))


VECTOR_NORM = Operation(
    name="vector_norm",
    subject="norms",
    function=torch.linalg.vector_norm,
    forward=Formula(
        "(Σᵢ |xᵢ|ᵖ)^(1/p)", vector_norm, _norm_bound, "γₙ of a sum of positive terms, Higham 2002, §4.2"
    ),
    vjp=Formula(
        "∂xᵢ = g sign xᵢ (|xᵢ|/‖x‖)^(p−1), 0 at x = 0",
        _norm_vjp,
        _norm_vjp_bound,
        "Higham 2002, §3.1; at 0 torch takes the subgradient 0 (derivatives.yaml, linalg_vector_norm)",
    ),
    domain=Domain(
        off_zero,
        (
            HardInput("zeros", lambda a: values(0.0, 0.0, 0.0)),
            HardInput("one zero", lambda a: values(3.0, 0.0, -4.0)),
            HardInput("one zero, order 1", lambda a: values(3.0, 0.0, -4.0), {"ord": 1}),
            *(
                HardInput(f"zeros, order {order:g}", lambda a: values(0.0, 0.0, 0.0), {"ord": order})
                for order in (1, 3, 2.5)
            ),
            HardInput("ties of order inf", lambda a: values(2.0, -2.0, 1.0), {"ord": _INF}),
            HardInput(
                "square overflows", lambda a: values(_beyond_the_square(a), _beyond_the_square(a)), far=True
            ),
            HardInput("square underflows", lambda a: values(1 / _beyond_the_square(a), 0.0), far=True),
        ),
    ),
    check=(
        Workload("29", ((29,),)),
        Workload("6x7-ord1-dim1", ((6, 7),), {"ord": 1, "dim": 1}),
        Workload("4x5-ord3", ((4, 5),), {"ord": 3}),
        Workload("5x7-ord2.5-dim-1", ((5, 7),), {"ord": 2.5, "dim": -1}),
        Workload("9-ord0.5", ((9,),), {"ord": 0.5}),
        Workload("5x4-ordinf-dim0", ((5, 4),), {"ord": _INF, "dim": 0}),
        Workload("3x9-dim1-strided", ((3, 9),), {"dim": 1}, layout="strided"),
        Workload("4x3x6-dims02-keepdim", ((4, 3, 6),), {"dim": (0, 2), "keepdim": True}),
    ),
    bench=(
        Workload("1024x1024", ((1024, 1024),)),
        Workload("64", ((64,),)),
        Workload("1000003", ((1_000_003,),)),
        Workload("1024x1024-dim1", ((1024, 1024),), {"dim": 1}),
        Workload("1024x1024-ord1", ((1024, 1024),), {"ord": 1}),
    ),
    cost=_cost,
    identities=(
        Identity(
            "‖2x‖ = 2‖x‖",
            lambda f, x, **options: f(2 * x, **options),
            lambda f, x, **options: 2 * f(x, **options),
            lambda a, x, **options: 4 * a.stored(vector_norm(x, **options), _norm_bound(a, x, **options)),
        ),
        Identity(
            "‖x‖₁ = Σ|x|",
            lambda f, x, ord, dim: f(x, ord=ord, dim=dim),
            lambda f, x, ord, dim: x.abs().sum(dim),
            lambda a, x, ord, dim: 2 * a.stored(vector_norm(x, ord, dim), _norm_bound(a, x, ord, dim)),
            applies=lambda workload: workload.options.get("ord") == 1,
        ),
        Identity(
            "‖x‖∞ = max |x|",
            lambda f, x, ord, dim: f(x, ord=ord, dim=dim),
            lambda f, x, ord, dim: x.abs().amax(dim),
            applies=lambda workload: workload.options.get("ord") == _INF,
        ),
        Identity(
            "‖x‖₂² = Σ x²",
            lambda f, x: f(x) ** 2,
            lambda f, x: (x * x).sum(),
            lambda a, x: compounded(2 * x.size * a.w + 8 * a.u) * (x * x).sum(),
            applies=lambda workload: not workload.options,
        ),
        Identity(
            "a vector norm is not the spectral norm",
            lambda f, x, ord: f(x.reshape(-1)),
            lambda f, x, ord: torch.linalg.matrix_norm(x.double(), 2).to(x.dtype),
            lambda a, x, ord: compounded((x.size + 4) * a.w + 4 * a.u) * 2 * vector_norm(x),
            differs=True,
            applies=lambda workload: workload.options == {"ord": 3},
        ),
    ),
    naive=lambda x, **options: (x * x).sum().sqrt(),
    special=(
        _special("nan", [1.0, np.nan], np.nan),
        _special("nan, of order inf", [1.0, np.nan], np.nan, ord=_INF),
        _special("infinity", [1.0, -_INF], _INF),
        *(_special(f"nan, order {order:g}", [1.0, np.nan], np.nan, ord=order) for order in (0.5, 1, 2.5, 3)),
        *(
            _special(f"infinity, order {order:g}", [1.0, -_INF], _INF, ord=order)
            for order in (0.5, 1, 2.5, 3, _INF)
        ),
        *(_special(f"nothing, order {order:g}", [], 0.0, ord=order) for order in (0.5, 1, 2.5, 3)),
        _special("nothing", [], 0.0),
    ),
    refuses=(dim_out_of_range(), not_a_tensor()),
    batch=beside_dim,
    lengths=of_all({"ord": 1}, {"ord": 3}),
    promotion=promotions.FLOATING_ALONE,
)


_MATRIX = (-2, -1)


def frobenius(x: Array) -> Array:
    """The 2-norm of a matrix's entries. Shapes: (..., m, n) gives (...)."""
    return vector_norm(x, 2, _MATRIX)


def frobenius_bound(a: Arithmetic, x: Array) -> Array:
    """What rounding may do to it."""
    return _norm_bound(a, x, 2, _MATRIX)


def frobenius_vjp(g: Array, x: Array) -> tuple[Array]:
    """g x/‖x‖; 0 at x = 0."""
    return _norm_vjp(g, x, 2, _MATRIX)


def frobenius_vjp_bound(a: Arithmetic, g: Array, x: Array) -> tuple[Array]:
    """What rounding may do to that."""
    return _norm_vjp_bound(a, g, x, 2, _MATRIX)
