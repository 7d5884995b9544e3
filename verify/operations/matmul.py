"""Matrix products: mm, matmul, bmm."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.arithmetic import Arithmetic, compounded
from verify.axes import summed_to
from verify.operation import Array, Cost, Domain, Formula, HardInput, Identity, Inputs, Operation, Workload
from verify.sampling import normal

_SOURCE = "|C − Ĉ| ≤ γₙ|A||B| in any order of summation (Higham 2002, §3.5)"


def _product(a: Array, b: Array) -> Array:
    return np.matmul(a, b)


def _columns(a: Array, b: Array, g: Array) -> tuple[Array, Array, Array]:
    """The operands with vectors written as one-row and one-column matrices, as matmul reads them."""
    row, column = a.ndim == 1, b.ndim == 1
    g = np.expand_dims(g, -1) if column else g
    g = np.expand_dims(g, -2) if row else g
    return (a[None, :] if row else a), (b[:, None] if column else b), g


def _vjp(g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    matrix_a, matrix_b, g = _columns(a, b, g)
    of_a = summed_to(np.matmul(g, np.swapaxes(matrix_b, -1, -2)), matrix_a.shape)
    of_b = summed_to(np.matmul(np.swapaxes(matrix_a, -1, -2), g), matrix_b.shape)
    return of_a.reshape(a.shape), of_b.reshape(b.shape)


def _forward_bound(m: Arithmetic, a: Array, b: Array) -> Array:
    return m.gamma(a.shape[-1]) * np.matmul(np.abs(a), np.abs(b))


def _vjp_bound(m: Arithmetic, g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    # Every gradient is a product too. The same formula on ones counts the terms of each entry (a broadcast
    # operand has one for every repetition); storing before the repetitions are summed rounds once more.
    sizes = _vjp(np.abs(g), np.abs(a), np.abs(b))
    terms = _vjp(np.ones(g.shape), np.ones(a.shape), np.ones(b.shape))
    bounds = [compounded(count * m.w + 2 * m.u) * size for count, size in zip(terms, sizes, strict=True)]
    return bounds[0], bounds[1]


def _cost(workload: Workload) -> Cost:
    a, b = workload.shapes
    out = np.matmul(np.broadcast_to(0, a), np.broadcast_to(0, b)).shape
    inner = a[-1]
    written = float(math.prod(out))
    return Cost(2.0 * inner * written, math.prod(a) + math.prod(b) + written, written)


def _one_by_one(build: Callable[[Arithmetic], Inputs]) -> Callable[[Arithmetic], Inputs]:
    """The same matrices as a batch of one, for bmm."""
    return lambda a: tuple(x[None] for x in build(a))


def _cancelling(a: Arithmetic) -> Inputs:
    """A row times a column whose large terms cancel: what is left is the small one."""
    large = 2.0 ** min(10, int(-np.log2(a.u)))
    return np.array([[large, 1.0, -large]]), np.array([[large], [1.0], [large]])


def _near_overflow(a: Arithmetic) -> Inputs:
    """Products a little below the largest number, four of which still fit into the sum."""
    root = 2.0 ** (int(np.log2(a.largest)) // 2 - 2)
    return np.full((2, 4), root), np.full((4, 2), root)


def _near_underflow(a: Arithmetic) -> Inputs:
    """Products close to the smallest normal number: a flush to zero would lose them whole."""
    root = 2.0 ** (int(np.ceil(np.log2(a.smallest_normal))) // 2 + 1)
    return np.full((2, 4), root), np.full((4, 2), root)


_HARD = (
    (
        "some zeros",
        lambda a: (np.array([[0.0, 1.5], [-0.0, 0.0]]), np.array([[0.5, 0.0], [-2.0, 0.0]])),
        False,
    ),
    ("cancelling", _cancelling, False),
    ("near overflow", _near_overflow, True),
    ("near underflow", _near_underflow, True),
)
_FORWARD = Formula("Cᵢⱼ = Σₖ Aᵢₖ Bₖⱼ", _product, _forward_bound, _SOURCE)
_VJP = Formula("∂A = G Bᵀ, ∂B = Aᵀ G (summed over broadcast dimensions)", _vjp, _vjp_bound, _SOURCE)


def _domain(batched: bool) -> Domain:
    wrap = _one_by_one if batched else (lambda build: build)
    return Domain(normal, tuple(HardInput(name, wrap(build), far=far) for name, build, far in _HARD))


def _twice(m: Arithmetic, a: Array, b: Array) -> Array:
    """Two evaluations of one product may differ by twice the bound."""
    return 2 * m.stored(_product(a, b), _forward_bound(m, a, b))


def _is_two_dimensional(workload: Workload) -> bool:
    return all(len(shape) == 2 for shape in workload.shapes)


def _of_transposes(f: Any, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    product: torch.Tensor = f(b.mT, a.mT)
    return product.mT


MM = Operation(
    name="mm",
    subject="matmul",
    function=torch.mm,
    forward=_FORWARD,
    vjp=_VJP,
    domain=_domain(batched=False),
    check=(
        Workload("4x7x5", ((4, 7), (7, 5))),
        Workload("1x33x3", ((1, 33), (33, 3))),
        Workload("9x16x9-transposed", ((9, 16), (16, 9)), layout="transposed"),
        Workload("7x7x7-strided", ((7, 7), (7, 7)), layout="strided"),
        Workload("33x35x31", ((33, 35), (35, 31))),
    ),
    bench=(
        Workload("512x512x512", ((512, 512), (512, 512))),
        Workload("64x64x64", ((64, 64), (64, 64))),
        Workload("1023x1025x1021", ((1023, 1025), (1025, 1021))),
        Workload("16384x32x32", ((16384, 32), (32, 32))),
        Workload("16x8192x16", ((16, 8192), (8192, 16))),
        Workload("512x512x512-transposed", ((512, 512), (512, 512)), layout="transposed"),
    ),
    cost=_cost,
    identities=(
        Identity("mm(A, B) = A @ B", lambda f, a, b: f(a, b), lambda f, a, b: a @ b),
        Identity("(A B)ᵀ = Bᵀ Aᵀ", lambda f, a, b: f(a, b), _of_transposes, _twice),
    ),
)

MATMUL = Operation(
    name="matmul",
    subject="matmul",
    function=torch.matmul,
    forward=_FORWARD,
    vjp=_VJP,
    domain=_domain(batched=False),
    check=(
        Workload("6x8x3", ((6, 8), (8, 3))),
        Workload("2x1x3x5@4x5x2", ((2, 1, 3, 5), (4, 5, 2))),
        Workload("17@17", ((17,), (17,))),
        Workload("5x3x4@4x3-transposed", ((5, 3, 4), (4, 3)), layout="transposed"),
        Workload("17@17x3", ((17,), (17, 3))),
        Workload("2x3x9@9", ((2, 3, 9), (9,))),
    ),
    bench=(
        Workload("512x512x512", ((512, 512), (512, 512))),
        Workload("1024x1024@1024", ((1024, 1024), (1024,))),
        Workload("8x128x64@64x128", ((8, 128, 64), (64, 128))),
        Workload("255x257x511-strided", ((255, 257), (257, 511)), layout="strided"),
    ),
    cost=_cost,
    identities=(
        Identity("matmul(A, B) = A @ B", lambda f, a, b: f(a, b), lambda f, a, b: a @ b),
        Identity(
            "matmul(A, B) = mm(A, B)",
            lambda f, a, b: f(a, b),
            lambda f, a, b: torch.mm(a, b),
            applies=_is_two_dimensional,
        ),
        Identity(
            "matmul broadcasts as einsum says",
            lambda f, a, b: f(a, b),
            lambda f, a, b: torch.einsum("...ij,...jk->...ik", a, b),
            _twice,
            applies=lambda workload: all(len(shape) >= 2 for shape in workload.shapes),
        ),
        Identity(
            "a · b = b · a",
            lambda f, a, b: f(a, b),
            lambda f, a, b: f(b, a),
            _twice,
            applies=lambda workload: all(len(shape) == 1 for shape in workload.shapes),
        ),
    ),
)

BMM = Operation(
    name="bmm",
    subject="matmul",
    function=torch.bmm,
    forward=_FORWARD,
    vjp=_VJP,
    domain=_domain(batched=True),
    check=(
        Workload("3x4x6x5", ((3, 4, 6), (3, 6, 5))),
        Workload("1x2x19x2", ((1, 2, 19), (1, 19, 2))),
        Workload("2x5x8x5-transposed", ((2, 5, 8), (2, 8, 5)), layout="transposed"),
    ),
    bench=(
        Workload("16x128x128x128", ((16, 128, 128), (16, 128, 128))),
        Workload("256x16x16x16", ((256, 16, 16), (256, 16, 16))),
        Workload("7x65x129x63", ((7, 65, 129), (7, 129, 63))),
    ),
    cost=_cost,
    identities=(
        Identity(
            "bmm = stack of mm",
            lambda f, a, b: f(a, b),
            lambda f, a, b: torch.stack([torch.mm(x, y) for x, y in zip(a, b, strict=True)]),
            _twice,
        ),
    ),
)
