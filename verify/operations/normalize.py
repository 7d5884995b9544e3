"""Normalisation of vectors to length 1: normalize."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed, twice
from verify.operation import Batch, Domain, HardInput, Identity, Inputs, Operation, Special, Workload
from verify.operations.normalisation import beyond_root, row_cost
from verify.records.moments import unit
from verify.records.refusals import dim_out_of_range, not_a_tensor
from verify.records.sampling import beside_dim

_NAN, _INF = np.nan, np.inf
_LEAST_NORM = 1e-12


def _norm(x: Any, p: float, dim: int) -> Any:
    size = np.abs(x)
    if p == 2:
        scale = unit(x, (dim,))
        return scale * np.sqrt(np.square(x / scale).sum(axis=dim, keepdims=True))
    return size.max(axis=dim, keepdims=True) if p == np.inf else size.sum(axis=dim, keepdims=True)


def _is_long(x: Any, p: float, dim: int, eps: float) -> Any:
    """Where a norm is larger than ε; no norm that is asked for lies within its rounding of ε."""
    return _norm(x, p, dim) > eps


def _length(x: Any, p: float, dim: int, eps: float) -> Any:
    return np.where(_is_long(x, p, dim, eps), _norm(x, p, dim), 0 * x + eps)


def _normalize(x: Any, p: float = 2.0, dim: int = 1, eps: float = _LEAST_NORM) -> Any:
    return x / _length(x, p, dim, eps)


def _normalize_vjp(g: Any, x: Any, p: float = 2.0, dim: int = 1, eps: float = _LEAST_NORM) -> tuple[Any]:
    length = _length(x, p, dim, eps)
    of_length = -((g * (x / length)) / length).sum(axis=dim, keepdims=True)
    if p == 2:
        direction = x / length
    else:
        direction = (
            np.sign(x) if p == 1 else np.sign(x) * (np.abs(x) == np.abs(x).max(axis=dim, keepdims=True))
        )
    return (g / length + np.where(_is_long(x, p, dim, eps), of_length * direction, 0 * x),)


def _longest_apart(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Entries off 0 and a multiple of 1/2 apart in magnitude: no step changes a sign or the largest one."""
    shape = workload.shapes[0]
    size = 0.5 + generator.permutation(math.prod(shape)).reshape(shape) / 2
    return (size * generator.choice((-1.0, 1.0), size=shape),)


def _rows(workload: Workload) -> Batch | None:
    """The dimensions beside `dim`, which is 1 where none is given and stays."""
    options = {"dim": 1, **workload.options, "keepdim": True}
    return beside_dim(replace(workload, options=options))


_NORMALIZE = analysed(
    "x/max(‖x‖ₚ, ε)", _normalize, "torch.nn.functional.normalize: the norm is stored before the quotient"
)
_OF_NORMALIZE = analysed(
    "∂x = (g − ∂‖x‖ₚ Σ g x/‖x‖ₚ)/‖x‖ₚ, g/ε where ‖x‖ₚ < ε", _normalize_vjp, "autograd of the steps"
)

NORMALIZE = Operation(
    name="normalize",
    subject="normalisation",
    function=F.normalize,
    forward=_NORMALIZE,
    vjp=_OF_NORMALIZE,
    domain=Domain(
        _longest_apart,
        (
            HardInput("one entry", lambda a: (np.array([[-1.5]]),)),
            HardInput("zeros beside one entry", lambda a: (np.array([[0.0, -0.0, 2.5]]),)),
            HardInput("a zero vector", lambda a: (np.array([[0.0, 0.0]]),), {"eps": 0.5}),
            HardInput("square overflows", lambda a: (beyond_root(a) * np.array([[3.0, -4.0]]),), far=True),
            HardInput(
                "square underflows",
                lambda a: (np.array([[3.0, -4.0]]) / beyond_root(a),),
                {"eps": 0.0},
                far=True,
            ),
        ),
    ),
    check=(
        Workload("5x9", ((5, 9),)),
        Workload("7x7-dim0-transposed", ((7, 7),), {"dim": 0}, "transposed"),
        Workload("3x4x5-dim-1-p1", ((3, 4, 5),), {"p": 1.0, "dim": -1}),
        Workload("4x6-dim0-pinf-strided", ((4, 6),), {"p": _INF, "dim": 0}, "strided"),
        Workload("41-dim0", ((41,),), {"dim": 0}),
    ),
    bench=(
        Workload("4096x1024", ((4096, 1024),)),
        Workload("32x64", ((32, 64),)),
        Workload("4096x1024-dim0-p1", ((4096, 1024),), {"dim": 0, "p": 1.0}),
        Workload("1023x1025-strided", ((1023, 1025),), layout="strided"),
    ),
    cost=row_cost(3),
    identities=(
        Identity(
            "normalize(4x) = normalize(x)",
            lambda f, x, **options: f(4 * x, **options),
            lambda f, x, **options: f(x, **options),
            twice(_NORMALIZE),
        ),
        Identity(
            "normalize(−x) = −normalize(x)",
            lambda f, x, **options: f(-x, **options),
            lambda f, x, **options: -f(x, **options),
        ),
    ),
    special=(
        Special(
            "a zero vector",
            (np.array([[0.0, -0.0]]),),
            np.array([[0.0, -0.0]]),
            "torch.nn.functional.normalize: divided by max(‖x‖, ε)",
        ),
        Special(
            "infinity",
            (np.array([[np.inf, 1.0, -1.0]]),),
            np.array([[_NAN, 0.0, -0.0]]),
            "torch.nn.functional.normalize: divided by ‖x‖ = ∞; IEEE 754-2019, 6.1 and 7.2",
        ),
        Special("nan", (np.array([[_NAN, 1.0]]),), np.array([[_NAN, _NAN]]), "IEEE 754-2019, 6.2"),
    ),
    refuses=(dim_out_of_range(), not_a_tensor()),
    batch=_rows,
)
