"""Spread about the mean: var and std, with the correction that is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import Arithmetic
from verify.formulas.axes import kept, terms
from verify.operation import Array, Cost, Domain, HardInput, Identity, Inputs, Operation, Special, Workload
from verify.records.lengths import along_each_dim
from verify.records.reductions import BENCH
from verify.records.refusals import dim_out_of_range, not_a_tensor
from verify.records.sampling import beside_dim, beside_one, values

_SOURCE = "Chan, Golub & LeVeque, Algorithms for computing the sample variance, Am. Stat. 37 (1983)"


def _deviations(x: Array, dim: Any) -> Array:
    return x - np.sum(x, axis=dim, keepdims=True) / terms(x, dim)


def _var(x: Array, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Array:
    d = _deviations(x, dim)
    return np.sum(d * d, axis=dim, keepdims=keepdim) / (terms(x, dim) - correction)


def _var_vjp(g: Array, x: Array, dim: Any = None, correction: int = 1, keepdim: bool = False) -> tuple[Array]:
    g = kept(g, x.shape, dim, keepdim)
    return (g * _deviations(x, dim) * 2 / (terms(x, dim) - correction),)


def _std(x: Array, **options: Any) -> Array:
    return np.sqrt(_var(x, **options))


def _std_vjp(g: Array, x: Array, **options: Any) -> tuple[Array]:
    """g/(2σ) through var; 0 where all entries are equal, by torch's convention."""
    dim = options.get("dim")
    equal = kept(x.max(axis=dim) == x.min(axis=dim), x.shape, dim)
    y = kept(_std(x, **options), x.shape, dim, options.get("keepdim", False))
    safe = np.where(equal, 0 * y + 1, y)
    of_var = kept(g, x.shape, dim, options.get("keepdim", False)) / (2 * safe)
    correction = options.get("correction", 1)
    return (np.where(equal, 0 * x, of_var * _deviations(x, dim) * 2 / (terms(x, dim) - correction)),)


def _offset(a: Arithmetic) -> Inputs:
    """A mean so large that its square leaves no digit of the spread, which a difference of means keeps."""
    large = 2.0 ** np.floor(-np.log2(a.u) - 4)
    return values(large, large + 4, large + 8, large - 4)


_HARD = (
    HardInput("large offset", _offset, far=True),
    HardInput("tiny spread", lambda a: values(1.0, 1 + 64 * a.u, 1.0, 1 - 32 * a.u), far=True),
    HardInput("two entries", lambda a: values(-1.5, 2.5)),
    HardInput("constant", lambda a: values(1.5, 1.5, 1.5, 1.5)),
)
_CHECK = (
    Workload("41", ((41,),)),
    Workload("5x5-dim-1", ((5, 5),), {"dim": -1}),
    Workload("5x9-dim1-correction0", ((5, 9),), {"dim": 1, "correction": 0}),
    Workload("7x6-dim1-correction3", ((7, 6),), {"dim": 1, "correction": 3}),
    Workload("4x3x6-dims02-keepdim", ((4, 3, 6),), {"dim": (0, 2), "keepdim": True}),
    Workload("6x5-dim0-transposed", ((6, 5),), {"dim": 0}, layout="transposed"),
    Workload("3x257-dim1-strided", ((3, 257),), {"dim": 1}, layout="strided"),
)


def _cost(workload: Workload) -> Cost:
    n = float(np.prod(workload.shapes[0]))
    return Cost(4 * n, n)  # two sums, a difference and a square for every entry, which is read once


def _moments(x: torch.Tensor, dim: Any = None, correction: int = 1, keepdim: bool = False) -> torch.Tensor:
    n = x.numel() if dim is None else terms(np.empty(x.shape), dim)
    dims = tuple(range(x.ndim)) if dim is None else dim
    return ((x * x).mean(dims, keepdim) - x.mean(dims, keepdim) ** 2) * n / (n - correction)


def _special(name: str, x: list[float], result: float, **options: Any) -> Special:
    return Special(name, values(*x), np.array(result), "torch.var, torch.std", options)


_SPECIAL = (
    _special("nan", [1.0, np.nan], np.nan),
    _special("infinity", [1.0, np.inf], np.nan),
    _special("one entry", [2.0], np.nan),
    _special("one entry without a correction", [2.0], 0.0, correction=0),
    *(_special(f"nothing, correction {c}", [], np.nan, correction=c) for c in (0, 3)),
    _special("nothing", [], np.nan),
)

VAR: Operation = Operation(
    name="var",
    subject="reductions",
    function=torch.var,
    forward=analysed("Σᵢ (xᵢ − x̄)²/(n − c)", _var, f"two passes, {_SOURCE}", fused=True),
    vjp=analysed("∂xᵢ = 2g (xᵢ − x̄)/(n − c)", _var_vjp, "torch forms it from x − x̄ (derivatives.yaml)"),
    domain=Domain(beside_one, _HARD),
    check=_CHECK,
    bench=BENCH,
    cost=_cost,
    identities=(
        Identity("var(2x) = 4 var(x)", lambda f, x, **o: f(2 * x, **o), lambda f, x, **o: 4 * f(x, **o)),
        Identity(
            "var = std²",
            lambda f, x, **options: f(x, **options),
            lambda f, x, **options: torch.std(x, **options) ** 2,
            lambda a, x, **options: (
                2 * a.stored(_var(x, **options), VAR.forward.bound(a, x, **options))
                + 4 * a.u * _var(x, **options)
            ),
        ),
    ),
    naive=_moments,
    special=_SPECIAL,
    refuses=(dim_out_of_range(), not_a_tensor()),
    batch=beside_dim,
    lengths=along_each_dim(correction=0),
)

STD: Operation = Operation(
    name="std",
    subject="reductions",
    function=torch.std,
    forward=analysed("√(Σᵢ (xᵢ − x̄)²/(n − c))", _std, f"two passes and a root, {_SOURCE}", fused=True),
    vjp=analysed(
        "∂xᵢ = g (xᵢ − x̄)/((n − c) σ), 0 where σ = 0",
        _std_vjp,
        "g/(2σ) through var's; at σ = 0 torch takes 0 (derivatives.yaml, std_backward)",
    ),
    domain=Domain(beside_one, _HARD),
    check=_CHECK,
    bench=BENCH,
    cost=_cost,
    identities=(
        Identity("std(2x) = 2 std(x)", lambda f, x, **o: f(2 * x, **o), lambda f, x, **o: 2 * f(x, **o)),
        Identity(
            "std = √var",
            lambda f, x, **options: f(x, **options),
            lambda f, x, **options: torch.var(x, **options).sqrt(),
            lambda a, x, **options: (
                2 * a.stored(_std(x, **options), STD.forward.bound(a, x, **options))
                + 2 * a.u * _std(x, **options)
            ),
        ),
    ),
    naive=lambda x, **options: _moments(x, **options).sqrt(),
    special=_SPECIAL,
    refuses=(dim_out_of_range(), not_a_tensor()),
    batch=beside_dim,
    lengths=along_each_dim(correction=0),
)
