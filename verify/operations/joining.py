"""Joining tensors: cat along a dimension that is there, stack along a new one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.operation import Array, Cost, Domain, HardInput, Identity, Operation, Refusal, Special, Workload
from verify.records import promotions
from verify.records.sampling import normal

_COPIED = "exact: a copy"


def _cost(workload: Workload) -> Cost:
    n = float(sum(math.prod(shape) for shape in workload.shapes))
    return Cost(0.0, 2 * n, n)


def _cat(*tensors: Array, dim: int = 0) -> Array:
    return np.concatenate(tensors, axis=dim)


def _cat_vjp(g: Array, *tensors: Array, dim: int = 0) -> tuple[Array, ...]:
    """Every input gets back the part of the cotangent that its entries went to."""
    ends = np.cumsum([x.shape[dim] for x in tensors])
    parts = (np.arange(end - x.shape[dim], end) for end, x in zip(ends, tensors, strict=True))
    return tuple(np.take(g, part, axis=dim) for part in parts)


def _stack(*tensors: Array, dim: int = 0) -> Array:
    return np.stack(tensors, axis=dim)


def _stack_vjp(g: Array, *tensors: Array, dim: int = 0) -> tuple[Array, ...]:
    return tuple(np.take(g, i, axis=dim) for i in range(len(tensors)))


def _joined(function: Any) -> Any:
    """A torch function of a sequence of tensors as one of several tensors."""
    return lambda *tensors, **options: function(tensors, **options)


_HARD = (
    HardInput("signed zeros", lambda a: (np.array([0.0, -0.0]), np.array([-0.0, 1.0]))),
    HardInput(
        "extremes",
        lambda a: (np.array([a.largest, -a.largest]), np.array([a.smallest, -a.smallest_normal])),
        far=True,
    ),
)
_NAN = Special(
    "nan and infinities",
    (np.array([np.nan, np.inf]), np.array([-np.inf, -0.0])),
    np.array([np.nan, np.inf, -np.inf, -0.0]),
    "a copy keeps every value: torch.cat",
)

CAT = Operation(
    name="cat",
    subject="joining",
    function=_joined(torch.cat),
    forward=analysed("the tensors one after the other along dim", _cat, _COPIED),
    vjp=analysed("∂xᵢ = the part of g that xᵢ went to", _cat_vjp, _COPIED),
    domain=Domain(normal, _HARD),
    check=(
        Workload("7+3", ((7,), (3,))),
        # Sizes may differ along the dimension that is joined.
        Workload("5x3+5x33-dim1", ((5, 3), (5, 33)), {"dim": 1}),
        Workload("2x3+4x3+1x3-transposed", ((2, 3), (4, 3), (1, 3)), layout="transposed"),
        Workload("4x2x3+4x5x3-dim-2", ((4, 2, 3), (4, 5, 3)), {"dim": -2}),
        Workload("3x4+3x4-dim-1-strided", ((3, 4), (3, 4)), {"dim": -1}, layout="strided"),
    ),
    bench=(
        Workload("1024x1024+1024x1024", ((1024, 1024), (1024, 1024))),
        Workload("64+64", ((64,), (64,))),
        Workload("1024x1024+1024x512-dim1", ((1024, 1024), (1024, 512)), {"dim": 1}),
    ),
    cost=_cost,
    identities=(
        Identity(
            "the parts are the inputs",
            lambda f, *x, dim=0: f(*f(*x, dim=dim).split([t.shape[dim] for t in x], dim), dim=dim),
            lambda f, *x, dim=0: f(*x, dim=dim),
        ),
        Identity(
            "the first part is the first input",
            lambda f, *x, dim=0: f(*x, dim=dim).narrow(dim, 0, x[0].shape[dim]),
            lambda f, *x, dim=0: x[0],
        ),
    ),
    special=(
        _NAN,
        Special(
            "nothing and something",
            (np.zeros(0), np.array([1.0])),
            np.array([1.0]),
            "torch.cat: empty tensors",
        ),
    ),
    refuses=(
        Refusal("3 and 4 columns, along the rows", lambda f, tensor: f(tensor(2, 3), tensor(2, 4))),
        Refusal("a vector and a matrix", lambda f, tensor: f(tensor(3), tensor(2, 3))),
        Refusal("dim 2 of matrices", lambda f, tensor: f(tensor(2, 3), tensor(2, 3), dim=2), (IndexError,)),
        Refusal("no tensor", lambda f, tensor: f(), (RuntimeError, ValueError)),
    ),
    promotion=promotions.JOINED,
)

STACK = Operation(
    name="stack",
    subject="joining",
    function=_joined(torch.stack),
    forward=analysed("the tensors side by side along a new dim", _stack, _COPIED),
    vjp=analysed("∂xᵢ = the i-th slice of g", _stack_vjp, _COPIED),
    domain=Domain(normal, _HARD),
    check=(
        Workload("7+7", ((7,), (7,))),
        Workload("5x33+5x33-dim1", ((5, 33), (5, 33)), {"dim": 1}),
        Workload("3x3+3x3+3x3-dim-1", ((3, 3), (3, 3), (3, 3)), {"dim": -1}),
        Workload("4x6+4x6-transposed", ((4, 6), (4, 6)), layout="transposed"),
        Workload("scalars", ((), (), ())),
        Workload("3x4+3x4-dim2-strided", ((3, 4), (3, 4)), {"dim": 2}, layout="strided"),
    ),
    bench=(
        Workload("1024x1024+1024x1024", ((1024, 1024), (1024, 1024))),
        Workload("64+64", ((64,), (64,))),
        Workload("1024x1024+1024x1024-dim2", ((1024, 1024), (1024, 1024)), {"dim": 2}),
    ),
    cost=_cost,
    identities=(
        Identity(
            "stack = cat of unsqueezed",
            lambda f, *x, dim=0: f(*x, dim=dim),
            lambda f, *x, dim=0: torch.cat([t.unsqueeze(dim) for t in x], dim),
        ),
        Identity(
            "the last slice is the last input",
            lambda f, *x, dim=0: f(*x, dim=dim).select(dim, -1),
            lambda f, *x, dim=0: x[-1],
        ),
    ),
    special=(
        Special(_NAN.name, _NAN.inputs, _NAN.expected.reshape(2, 2), "a copy keeps every value: torch.stack"),
    ),
    refuses=(
        Refusal("shapes that differ", lambda f, tensor: f(tensor(2, 3), tensor(2, 4))),
        Refusal("dim 3 of matrices", lambda f, tensor: f(tensor(2, 3), tensor(2, 3), dim=3), (IndexError,)),
        Refusal("no tensor", lambda f, tensor: f(), (RuntimeError, ValueError)),
    ),
    promotion=promotions.STACKED,
)
