"""Matrix products: mm, matmul, bmm."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import twice
from verify.formulas.arithmetic import Arithmetic, compounded
from verify.formulas.axes import summed_to
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
from verify.records import promotions, summed
from verify.records.refusals import not_a_tensor, other_dtype
from verify.records.sampling import first_of_all, normal

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
    # Below the normal numbers every product may lose half a spacing.
    return m.gamma(a.shape[-1]) * np.matmul(np.abs(a), np.abs(b)) + a.shape[-1] * m.smallest


def _vjp_bound(m: Arithmetic, g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    # Every gradient is a product too. The same formula on ones counts the terms of each entry (a broadcast
    # operand has one for every repetition); storing before the repetitions are summed rounds once more.
    sizes = _vjp(np.abs(g), np.abs(a), np.abs(b))
    terms = _vjp(np.ones(g.shape), np.ones(a.shape), np.ones(b.shape))
    bounds = [
        compounded(count * m.w + 2 * m.u) * size + count * m.smallest
        for count, size in zip(terms, sizes, strict=True)
    ]
    return bounds[0], bounds[1]


def product_cost(workload: Workload) -> Cost:
    """Two flops a term; every operand is read once and the result written once."""
    a, b = workload.shapes
    out = np.matmul(np.broadcast_to(0, a), np.broadcast_to(0, b)).shape
    inner = a[-1]
    written = float(math.prod(out))
    return Cost(2.0 * inner * written, math.prod(a) + math.prod(b) + written, written)


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
PRODUCT = Formula("Cᵢⱼ = Σₖ Aᵢₖ Bₖⱼ", _product, _forward_bound, _SOURCE)
PRODUCT_VJP = Formula("∂A = G Bᵀ, ∂B = Aᵀ G (summed over broadcast dimensions)", _vjp, _vjp_bound, _SOURCE)


def _unchanged(a: Array, b: Array) -> Inputs:
    return a, b


def hard_products(change: Callable[[Array, Array], Inputs] = _unchanged) -> tuple[HardInput, ...]:
    """The hard pairs of matrices, each made into the inputs of an operation."""

    def changed(build: Callable[[Arithmetic], Inputs], a: Arithmetic) -> Inputs:
        return change(*build(a))

    return tuple(HardInput(name, functools.partial(changed, build), far=far) for name, build, far in _HARD)


_twice = twice(PRODUCT)


def product_and_sum(a: Any, b: Any, c: Any) -> Any:
    """A B + C as one sum of k + 1 terms: a kernel may start with C, or add it last.

    Shapes: (..., n, k), (..., k, m) and whatever broadcasts to the product (..., n, m).
    """
    shape = np.matmul(np.broadcast_to(0, a.shape), np.broadcast_to(0, b.shape)).shape
    *lead, n, m = shape
    added = np.expand_dims(np.broadcast_to(c, shape), -2)
    columns = np.broadcast_to(np.expand_dims(b, -3), (*lead, n, b.shape[-2], m))
    rows = np.concatenate([a, 0 * a[..., :1] + 1], axis=-1)
    both = np.concatenate([columns, added], axis=-2)
    return np.matmul(np.expand_dims(rows, -2), both).reshape(shape)


# Rows, a column and their products: what is not a number goes through the sum, and nothing else changes.
_NAN, _INF = np.nan, np.inf
_NON_FINITE = (
    ("nan", [[_NAN, 0.0], [1.0, _NAN]], [1.0, 2.0], [_NAN, _NAN]),
    ("infinities", [[_INF, 1.0], [1.0, -_INF], [_INF, -_INF]], [2.0, 3.0], [_INF, -_INF, _NAN]),
    ("infinity times 0", [[0.0, 1.0], [2.0, 1.0]], [_INF, 1.0], [_NAN, _INF]),
)


def _special(*lead: int) -> tuple[Special, ...]:
    """Products that are not finite, and one of no terms, with so many leading dimensions of size 1."""

    def shaped(entries: Any, *shape: int) -> Array:
        return np.reshape(np.array(entries), (*lead, *shape))

    return (
        *(
            Special(
                name,
                (shaped(rows, len(rows), 2), shaped(column, 2, 1)),
                shaped(products, len(rows), 1),
                "IEEE 754-2019, 6.1 and 6.2",
            )
            for name, rows, column, products in _NON_FINITE
        ),
        Special(
            "an inner size of 0",
            (np.empty((*lead, 2, 0)), np.empty((*lead, 0, 3))),
            np.zeros((*lead, 2, 3)),
            "a sum of no terms is 0",
        ),
    )


def _rows(workload: Workload) -> Batch | None:
    """Rows, or a batch, are independent; beside a vector the columns of a matrix are."""
    a, b = workload.shapes
    if len(a) == 1:
        return Batch((None, 1)) if len(b) == 2 else None
    if len(b) <= 2:
        return Batch((0, None))
    most = max(len(a), len(b))
    size = max(shape[0] for shape in (a, b) if len(shape) == most)
    first, second = (0 if len(shape) == most and shape[0] == size else None for shape in (a, b))
    return Batch((first, second))


def _is_two_dimensional(workload: Workload) -> bool:
    return all(len(shape) == 2 for shape in workload.shapes)


def _of_transposes(f: Any, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    product: torch.Tensor = f(b.mT, a.mT)
    return product.mT


MM = Operation(
    name="mm",
    subject="matmul",
    function=torch.mm,
    forward=PRODUCT,
    vjp=PRODUCT_VJP,
    domain=Domain(normal, hard_products()),
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
    cost=product_cost,
    identities=(
        Identity("mm(A, B) = A @ B", lambda f, a, b: f(a, b), lambda f, a, b: a @ b),
        Identity("(A B)ᵀ = Bᵀ Aᵀ", lambda f, a, b: f(a, b), _of_transposes, _twice),
    ),
    special=_special(),
    refuses=(
        Refusal("inner sizes 3 and 4", lambda f, tensor: f(tensor(2, 3), tensor(4, 2))),
        Refusal("a batch of matrices", lambda f, tensor: f(tensor(1, 2, 3), tensor(1, 3, 2))),
        Refusal("a batch and a matrix", lambda f, tensor: f(tensor(4, 2, 3), tensor(3, 2))),
        Refusal("a matrix and a vector", lambda f, tensor: f(tensor(2, 3), tensor(3))),
        Refusal("two vectors", lambda f, tensor: f(tensor(3), tensor(3))),
        other_dtype((2, 3), (3, 2)),
        not_a_tensor(2),
    ),
    batch=_rows,
    summations=(
        summed.PRODUCT,
        summed.of_gradient(0, lambda x: (x.new_zeros(4, 3), summed.ones_for_each(x, 3).T), along=1),
        summed.of_gradient(1, lambda x: (summed.ones_for_each(x, 3), x.new_zeros(3, 4))),
    ),
    promotion=promotions.PRODUCT,
)

MATMUL = Operation(
    name="matmul",
    subject="matmul",
    function=torch.matmul,
    forward=PRODUCT,
    vjp=PRODUCT_VJP,
    domain=Domain(normal, hard_products()),
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
    cost=product_cost,
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
    special=_special(),
    refuses=(
        Refusal("inner sizes 3 and 4", lambda f, tensor: f(tensor(2, 3), tensor(4, 2))),
        Refusal("vectors of sizes 3 and 4", lambda f, tensor: f(tensor(3), tensor(4))),
        Refusal("batches of 2 and 3", lambda f, tensor: f(tensor(2, 2, 3), tensor(3, 3, 2))),
        Refusal("a number and a matrix", lambda f, tensor: f(tensor(), tensor(2, 3))),
        other_dtype((2, 3), (3, 2)),
        not_a_tensor(2),
    ),
    batch=_rows,
    summations=(summed.PRODUCT,),
    promotion=promotions.PRODUCT,
)

BMM = Operation(
    name="bmm",
    subject="matmul",
    function=torch.bmm,
    forward=PRODUCT,
    vjp=PRODUCT_VJP,
    domain=Domain(normal, hard_products(lambda a, b: (a[None], b[None]))),
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
    cost=product_cost,
    identities=(
        Identity(
            "bmm = stack of mm",
            lambda f, a, b: f(a, b),
            lambda f, a, b: torch.stack([torch.mm(x, y) for x, y in zip(a, b, strict=True)]),
            _twice,
        ),
    ),
    special=_special(1),
    refuses=(
        Refusal("inner sizes 3 and 4", lambda f, tensor: f(tensor(1, 2, 3), tensor(1, 4, 2))),
        Refusal("batches of 2 and 3", lambda f, tensor: f(tensor(2, 2, 3), tensor(3, 3, 2))),
        Refusal("batches of 1 and 3", lambda f, tensor: f(tensor(1, 2, 3), tensor(3, 3, 2))),
        Refusal("two matrices", lambda f, tensor: f(tensor(2, 3), tensor(3, 2))),
        other_dtype((1, 2, 3), (1, 3, 2)),
        not_a_tensor(2),
    ),
    batch=first_of_all,
    summations=(
        summed.BATCHED_PRODUCT,
        summed.of_gradient(0, lambda x: (x.new_zeros(2, 4, 3), x.new_ones(2, 3, len(x))), along=2),
        summed.of_gradient(1, lambda x: (x.new_ones(2, len(x), 3), x.new_zeros(2, 3, 4)), along=1),
    ),
    promotion=promotions.PRODUCT,
)
