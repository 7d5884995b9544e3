"""Embedding: rows of a table, picked by their number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import Arithmetic, compounded
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
from verify.records.summed import of_gradient


def _rows(indices: Array, weight: Any, **options: Any) -> Any:
    return weight[indices]


def _picked(indices: Array, rows: int) -> Array:
    """Which pick is of which row. Shapes: (rows, picks)."""
    return (np.arange(rows)[:, None] == indices.reshape(-1)).astype(float)


def _rows_vjp(g: Any, indices: Array, weight: Any) -> tuple[None, Any]:
    return None, np.matmul(_picked(indices, weight.shape[0]), np.reshape(g, (-1, weight.shape[1])))


def _rows_vjp_bound(a: Arithmetic, g: Array, indices: Array, weight: Array) -> tuple[None, Array]:
    # Each row of g is added where it belongs, in any order and in the stored type; the first one to a 0,
    # which rounds nothing.
    terms = _picked(indices, weight.shape[0]).sum(axis=1, keepdims=True)
    _, size = _rows_vjp(np.abs(g), indices, weight)
    return None, compounded(np.maximum(terms - 1, 0) * a.u) * size


def _gradient(f: Any, indices: torch.Tensor, weight: torch.Tensor, **options: Any) -> torch.Tensor:
    """The gradient of |y|²/2, which has all digits of the table's entries."""
    leaf = weight.detach().clone().requires_grad_()
    y = f(indices, leaf, **options)
    (gradient,) = torch.autograd.grad(y, leaf, y.detach())
    return gradient


def _gradient_bound(a: Arithmetic, indices: Array, weight: Array) -> Array:
    # Two gradients, of which one may have been scaled by a rounded frequency before it was summed.
    terms = _picked(indices, weight.shape[0]).sum(axis=1, keepdims=True)
    _, size = _rows_vjp(np.abs(weight[indices]), indices, weight)
    return np.asarray(2 * compounded((terms + 3) * a.u) * size + terms * a.smallest)


def _without_row(gradient: torch.Tensor, row: int) -> torch.Tensor:
    kept = torch.arange(len(gradient), device=gradient.device) != row
    return torch.where(kept[:, None], gradient, 0.0)


def _first(indices: torch.Tensor) -> int:
    return int(indices.reshape(-1)[0])


def _cost(workload: Workload) -> Cost:
    indices, (_, width) = workload.shapes
    picks = float(math.prod(indices))
    return Cost(0.0, picks + 2 * picks * width, picks * width)


def _sample(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Indices of which some repeat, and a table of normal entries."""
    indices, table = workload.shapes
    return generator.integers(0, table[0], size=indices), generator.standard_normal(table)


def _batch(workload: Workload) -> Batch:
    return Batch((0, None))


def _index(tensor: Any, number: int) -> torch.Tensor:
    return torch.tensor([number], device=tensor().device)


def _out_of_range(name: str, number: int) -> Refusal:
    # A device's assertion is a RuntimeError, and ends every later call of the process.
    return Refusal(
        name,
        lambda f, tensor: f(_index(tensor, number), tensor(3, 2)),
        (IndexError, RuntimeError),
        crashes=True,
    )


EMBEDDING = Operation(
    name="embedding",
    subject="embedding",
    function=F.embedding,
    forward=analysed("y[i] = W[i]", _rows, "exact: a copy"),
    vjp=Formula(
        "∂W[r] = Σ of g over the picks of row r",
        _rows_vjp,
        _rows_vjp_bound,
        "γₙ₋₁ Σ|g| in any order and in the stored type, Higham 2002, §4.2",
    ),
    domain=Domain(
        _sample,
        (
            HardInput("one row again and again", lambda a: (np.array([1] * 6), np.array([[0.5], [-1.5]]))),
            HardInput(
                "largest and smallest",
                lambda a: (
                    np.array([2, 0, 1, 2]),
                    np.array([[a.largest], [-a.smallest], [a.smallest_normal]]),
                ),
                far=True,
            ),
        ),
    ),
    check=(
        Workload("7-5x3", ((7,), (5, 3))),
        Workload("4x6-9x4", ((4, 6), (9, 4))),
        Workload("33-4x5", ((33,), (4, 5))),
        Workload("2x3x4-6x33-transposed", ((2, 3, 4), (6, 33)), layout="transposed"),
        Workload("5-5x5-strided", ((5,), (5, 5)), layout="strided"),
    ),
    bench=(
        Workload("64x128-10000x256", ((64, 128), (10000, 256))),
        Workload("64-1000x64", ((64,), (1000, 64))),
        Workload("8x1024-50257x768", ((8, 1024), (50257, 768))),
    ),
    cost=_cost,
    # What padding_idx and scale_grad_by_freq give is no derivative of the result, which they leave alone:
    # they are held to what they are documented to do with the derivative.
    identities=(
        Identity(
            "embedding = index_select",
            lambda f, i, w: f(i, w),
            lambda f, i, w: w.index_select(0, i.reshape(-1)).reshape(*i.shape, -1),
        ),
        Identity(
            "padding_idx leaves the result alone",
            lambda f, i, w: f(i, w, padding_idx=_first(i)),
            lambda f, i, w: f(i, w),
        ),
        Identity(
            "the gradient of padding_idx is 0, the others' as without it",
            lambda f, i, w: _gradient(f, i, w, padding_idx=_first(i)),
            lambda f, i, w: _without_row(_gradient(f, i, w), _first(i)),
            _gradient_bound,
        ),
        Identity(
            "scale_grad_by_freq divides by how often a row was picked",
            lambda f, i, w: (
                _gradient(f, i, w, scale_grad_by_freq=True)
                * i.reshape(-1).bincount(minlength=w.shape[0]).clamp(min=1)[:, None]
            ),
            _gradient,
            _gradient_bound,
        ),
    ),
    special=(
        Special(
            "nan, infinities and zeros",
            (np.array([1, 0, 1]), np.array([[np.nan, -0.0], [np.inf, 0.0]])),
            np.array([[np.inf, 0.0], [np.nan, -0.0], [np.inf, 0.0]]),
            "torch.nn.functional.embedding: a lookup",
        ),
        Special(
            "padding is looked up like any row",
            (np.array([1, 0]), np.array([[1.0], [2.0]])),
            np.array([[2.0], [1.0]]),
            "torch.nn.functional.embedding: padding_idx bears on the gradient alone",
            {"padding_idx": 1},
        ),
        Special(
            "no indices",
            (np.empty(0, dtype=np.int64), np.ones((2, 3))),
            np.empty((0, 3)),
            "torch.nn.functional.embedding: a row an index",
        ),
    ),
    refuses=(
        Refusal(
            "an index too large",
            lambda f, tensor: f(_index(tensor, 3), tensor(3, 2)),
            (IndexError, RuntimeError),
            crashes=True,
        ),
        Refusal(
            "a negative index",
            lambda f, tensor: f(_index(tensor, -1), tensor(3, 2)),
            (IndexError, RuntimeError),
            crashes=True,
        ),
        Refusal("indices that are no whole numbers", lambda f, tensor: f(tensor(2), tensor(3, 2))),
        Refusal("a table of one dimension", lambda f, tensor: f(_index(tensor, 0), tensor(3))),
        Refusal(
            "a padding_idx beyond the table",
            lambda f, tensor: f(_index(tensor, 0), tensor(3, 2), padding_idx=3),
            (AssertionError, RuntimeError, IndexError),
        ),
    ),
    batch=_batch,
    summations=(
        of_gradient(
            1, lambda x: (torch.zeros(len(x), dtype=torch.int64, device=x.device), x.new_zeros(3, 4))
        ),
    ),
)
