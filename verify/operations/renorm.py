"""renorm: every slice of a tensor is limited to a norm."""

from __future__ import annotations

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.axes import kept
from verify.operation import (
    Array,
    Batch,
    Domain,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.operations.norms import vector_norm
from verify.records.refusals import dim_out_of_range
from verify.records.sampling import elementwise_cost, off_zero


def _rows(x: Array, p: float, dim: int) -> tuple[Array, Array]:
    """The p-norm of every slice along a dimension, and its gradient; both broadcast over x."""
    others = tuple(i for i in range(x.ndim) if i != dim % x.ndim)
    norms = kept(vector_norm(x, p, others), x.shape, others)
    sign = np.where(x > 0, 1, np.where(x < 0, -1, 0))
    # Slices are not 0: dividing by their norm is safe.
    return norms, sign * (np.abs(x) / norms) ** int(p - 1) if p > 1 else sign * (0 * x + 1)


def _renorm_epsilon(x: Array) -> Array:
    """torch adds 10⁻⁷ to the norm before it divides; 10⁷ is exact in every arithmetic."""
    return (0 * x.reshape(-1)[0] + 1) / 10_000_000


def _renorm(x: Array, p: float, dim: int, maxnorm: float) -> Array:
    norms, _ = _rows(x, p, dim)
    return x * np.where(norms > maxnorm, maxnorm / (norms + _renorm_epsilon(x)), 0 * norms + 1)


def _renorm_vjp(g: Array, x: Array, p: float, dim: int, maxnorm: float) -> tuple[Array]:
    norms, slopes = _rows(x, p, dim)
    longer = norms > maxnorm
    others = tuple(i for i in range(x.ndim) if i != dim % x.ndim)
    inner = np.sum(g * x, axis=others, keepdims=True)
    whole = norms + _renorm_epsilon(x)
    return (np.where(longer, (g - inner * slopes / whole) * (maxnorm / whole), g),)


def _long_and_short(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Slices whose norms are, in turn, well above and well below the limit of 4."""
    (shape,), dim = workload.shapes, workload.options["dim"]
    x = off_zero(generator, workload)[0]
    others = tuple(i for i in range(x.ndim) if i != dim % x.ndim)
    size = np.abs(x).sum(axis=others, keepdims=True)
    place = np.arange(shape[dim]).reshape([-1 if i == dim % len(shape) else 1 for i in range(len(shape))])
    return (x / size * np.where(place % 2 == 0, 2.0, 40.0),)


RENORM = Operation(
    name="renorm",
    subject="norms",
    function=torch.renorm,
    forward=analysed(
        "every slice x along dim times min(1, c/(‖x‖ₚ + 10⁻⁷))", _renorm, "torch.renorm and its ε of 10⁻⁷"
    ),
    vjp=analysed(
        "∂x = g where ‖x‖ₚ ≤ c, else c/‖x‖ (g − ⟨g, x⟩ ∂‖x‖/‖x‖)",
        _renorm_vjp,
        "as renorm_backward forms it (FunctionsManual.cpp)",
    ),
    domain=Domain(
        _long_and_short,
        (
            HardInput(
                "one short, one long",
                lambda a: (np.array([[0.5, 0.25], [3.0, 4.0]]),),
                {"p": 2, "dim": 0, "maxnorm": 1.0},
            ),
            HardInput(
                "far above the limit",
                lambda a: (np.array([[1.0, 2.0 ** (np.log2(a.largest) // 4)]]),),
                {"p": 2, "dim": 0, "maxnorm": 1.0},
                far=True,
            ),
        ),
    ),
    check=(
        Workload("4x5-p2-dim0", ((4, 5),), {"p": 2, "dim": 0, "maxnorm": 4.0}),
        Workload("5x5-p1-dim1", ((5, 5),), {"p": 1, "dim": 1, "maxnorm": 4.0}),
        Workload(
            "3x2x4-p2-dim-1-transposed", ((3, 2, 4),), {"p": 2, "dim": -1, "maxnorm": 4.0}, "transposed"
        ),
        Workload("2x35-p2-dim0-strided", ((2, 35),), {"p": 2, "dim": 0, "maxnorm": 4.0}, "strided"),
    ),
    bench=(
        Workload("1024x1024", ((1024, 1024),), {"p": 2, "dim": 0, "maxnorm": 4.0}),
        Workload("8x8", ((8, 8),), {"p": 2, "dim": 0, "maxnorm": 4.0}),
    ),
    cost=elementwise_cost(3),
    identities=(
        Identity(
            "a limit beyond every norm changes nothing",
            lambda f, x, p, dim, maxnorm: f(x, p=p, dim=dim, maxnorm=1000.0),
            lambda f, x, p, dim, maxnorm: x,
        ),
    ),
    special=(
        Special(
            "zeros",
            (np.array([[0.0, -0.0], [0.5, -0.0]]),),
            np.array([[0.0, -0.0], [0.5, -0.0]]),
            "torch.renorm: what is within the limit is kept",
            {"p": 2, "dim": 0, "maxnorm": 1.0},
        ),
    ),
    refuses=(
        Refusal("p = −1", lambda f, tensor: f(tensor(2, 3), p=-1, dim=0, maxnorm=1.0), (RuntimeError,)),
        Refusal("maxnorm = −1", lambda f, tensor: f(tensor(2, 3), p=2, dim=0, maxnorm=-1.0), (RuntimeError,)),
        Refusal("a vector", lambda f, tensor: f(tensor(3), p=2, dim=0, maxnorm=1.0), (RuntimeError,)),
        dim_out_of_range(p=2, maxnorm=1.0),
    ),
    batch=lambda workload: Batch((workload.options["dim"],), workload.options["dim"]),
)
