"""Matrix norms by entries, rows and columns: Frobenius, 1 and ∞."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic
from verify.operation import (
    Array,
    Batch,
    Cost,
    Domain,
    Formula,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.operations.norms import frobenius, frobenius_bound, frobenius_vjp, frobenius_vjp_bound
from verify.records import promotions
from verify.records.refusals import not_a_tensor

_INF = np.inf
REFUSES = (
    not_a_tensor(),
    Refusal("a vector", lambda f, tensor: f(tensor(3)), (RuntimeError,)),
    Refusal("an order that no matrix norm has", lambda f, tensor: f(tensor(2, 3), ord=3), (RuntimeError,)),
    Refusal("the same dimension twice", lambda f, tensor: f(tensor(2, 3), dim=(0, 0)), (RuntimeError,)),
    Refusal("dim 2 of a matrix", lambda f, tensor: f(tensor(2, 3), dim=(0, 2)), (IndexError,)),
)


def _dominated(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Entries of either sign from 1 to 1.5, twice that in the last row and column, whose sums are largest."""
    (shape,) = workload.shapes
    x = generator.uniform(1, 1.5, shape) * generator.choice((-1.0, 1.0), size=shape)
    rows, columns = (np.where(np.arange(n) == n - 1, 2, 1) for n in shape[-2:])
    return (x * rows[:, None] * columns,)


def _axes(ord: Any) -> tuple[int, int]:
    """The dimension that is summed, and that of which the largest is taken."""
    return (-2, -1) if ord == 1 else (-1, -2)


def _matrix_norm(x: Array, ord: Any = "fro") -> Array:
    if ord == "fro":
        return frobenius(x)
    summed, searched = _axes(ord)
    sums = np.sum(np.abs(x), axis=summed, keepdims=True)
    return np.squeeze(np.max(sums, axis=searched, keepdims=True), axis=(-2, -1))


def _matrix_norm_vjp(g: Array, x: Array, ord: Any = "fro") -> tuple[Array]:
    if ord == "fro":
        return frobenius_vjp(g, x)
    summed, searched = _axes(ord)
    sums = np.sum(np.abs(x), axis=summed, keepdims=True)
    # Entries of the inputs are exact and their sums, in balls of 128 bits or more, too.
    largest = sums == np.max(sums, axis=searched, keepdims=True)
    sign = np.where(x > 0, 1, np.where(x < 0, -1, 0))
    # Of equal sums each has its part, so that the whole is a subgradient: torch.amax.
    shared = np.sum(largest, axis=searched, keepdims=True)
    return (np.reshape(g, (*np.shape(g), 1, 1)) * sign * largest / shared,)


def _bound(a: Arithmetic, x: Array, ord: Any = "fro") -> Array:
    if ord == "fro":
        return frobenius_bound(a, x)
    # The column whose computed sum is largest has a sum that is off by γₙ₋₁ of itself; both are stored.
    return (a.gamma(x.shape[_axes(ord)[0]] - 1) + a.u) * _matrix_norm(x, ord)


def _vjp_bound(a: Arithmetic, g: Array, x: Array, ord: Any = "fro") -> tuple[Array]:
    if ord == "fro":
        return frobenius_vjp_bound(a, g, x)
    return (2 * a.u * np.abs(_matrix_norm_vjp(g, x, ord)[0]),)  # a division among ties


def _cost(workload: Workload) -> Cost:
    n = float(np.prod(workload.shapes[0]))
    return Cost(2 * n, n)


def _batch(workload: Workload) -> Batch | None:
    return Batch((0,)) if len(workload.shapes[0]) > 2 else None


def matrix(*rows: list[float]) -> Inputs:
    """One matrix of these rows, as the inputs of an operation."""
    return (np.array(rows),)


def _special(name: str, x: list[list[float]], result: float, **options: Any) -> Special:
    return Special(name, (np.array(x),), np.array(result), "torch.linalg.matrix_norm", options)


MATRIX_NORM = Operation(
    name="matrix_norm",
    subject="norms",
    function=torch.linalg.matrix_norm,
    forward=Formula(
        "√(Σᵢⱼ xᵢⱼ²), maxⱼ Σᵢ |xᵢⱼ| (ord 1), maxᵢ Σⱼ |xᵢⱼ| (ord ∞)",
        _matrix_norm,
        _bound,
        "γₙ of a sum of positive terms, Higham 2002, §4.2 and §6.2",
    ),
    vjp=Formula(
        "∂x = g x/‖x‖; g sign x in the column (row) of the largest sum",
        _matrix_norm_vjp,
        _vjp_bound,
        "a division among ties for ord 1 and ∞; a quotient for the Frobenius norm, 0 at 0 (derivatives.yaml)",
    ),
    domain=Domain(
        _dominated,
        (
            HardInput("zeros", lambda a: matrix([0.0, 0.0], [0.0, 0.0])),
            HardInput("one zero", lambda a: matrix([3.0, 0.0], [-4.0, 12.0])),
            HardInput("tied columns", lambda a: matrix([1.0, -2.0, 0.5], [2.0, 1.0, 0.0]), {"ord": 1}),
            HardInput("tied rows", lambda a: matrix([1.0, -2.0], [2.0, 1.0], [0.5, 0.0]), {"ord": _INF}),
            HardInput("one column", lambda a: matrix([3.0], [-4.0]), {"ord": 1}),
            HardInput(
                "near overflow",
                lambda a: matrix([a.largest / 8, 1.0], [-a.largest / 16, 2.0]),
                {"ord": 1},
                far=True,
            ),
            HardInput(
                "square overflows",
                lambda a: matrix([2.0 ** np.floor(np.log2(a.largest) * 0.75), 0.0], [0.0, 1.0]),
                far=True,
            ),
        ),
    ),
    check=(
        Workload("5x7", ((5, 7),)),
        Workload("5x5-ord1", ((5, 5),), {"ord": 1}),
        Workload("5x5-ordinf", ((5, 5),), {"ord": _INF}),
        Workload("3x4x6-ordinf-transposed", ((3, 4, 6),), {"ord": _INF}, layout="transposed"),
        Workload("2x3x5-ord1-strided", ((2, 3, 5),), {"ord": 1}, layout="strided"),
    ),
    bench=(
        Workload("1024x1024", ((1024, 1024),)),
        Workload("8x8", ((8, 8),)),
        Workload("1024x1024-ord1", ((1024, 1024),), {"ord": 1}),
    ),
    cost=_cost,
    identities=(
        Identity(
            "keepdim keeps both with size 1",
            lambda f, x, **options: f(x, keepdim=True, **options),
            lambda f, x, **options: f(x, **options)[..., None, None],
        ),
        Identity(
            "‖−x‖ = ‖x‖", lambda f, x, **options: f(-x, **options), lambda f, x, **options: f(x, **options)
        ),
        Identity(
            "‖x‖₁ = ‖xᵀ‖∞",
            lambda f, x, ord: f(x, ord=1),
            lambda f, x, ord: f(x.mT, ord=_INF),
            lambda a, x, ord: 2 * a.stored(_matrix_norm(x, 1), _bound(a, x, 1)),
            applies=lambda workload: workload.options.get("ord") == 1,
        ),
        Identity(
            "the 1-norm of a matrix is not that of its entries",
            lambda f, x, ord: f(x, ord=ord),
            lambda f, x, ord: x.abs().sum((-2, -1)),
            lambda a, x, ord: (
                2 * a.stored(np.abs(x).sum((-2, -1)), a.gamma(x.size) * np.abs(x).sum((-2, -1)))
            ),
            differs=True,
            applies=lambda workload: workload.options.get("ord") == 1,
        ),
    ),
    special=(
        Special("no rows", (np.zeros((0, 3)),), np.array(0.0), "a sum of nothing is 0, and so is its root"),
        _special("nan", [[np.nan, 1.0], [0.0, 1.0]], np.nan),
        _special("nan, by columns", [[np.nan, 1.0], [0.0, 1.0]], np.nan, ord=1),
        _special("infinity", [[-np.inf, 1.0], [0.0, 1.0]], np.inf),
        _special("infinity, by rows", [[-np.inf, 1.0], [0.0, 1.0]], np.inf, ord=_INF),
    ),
    refuses=REFUSES,
    batch=_batch,
    promotion=promotions.FLOATING_ALONE,
)
