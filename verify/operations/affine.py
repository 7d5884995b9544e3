"""Products of matrices with something added: addmm, baddbmm, linear."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed, between, either, twice
from verify.formulas.arithmetic import Arithmetic
from verify.formulas.axes import summed_to
from verify.operation import (
    Array,
    Batch,
    Cost,
    Domain,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.operations.matmul import hard_products, product_and_sum, product_cost
from verify.records.refusals import not_a_tensor, other_dtype
from verify.records.sampling import normal
from verify.records.summed import added_product, of_gradient, ones, ones_for_each, rows
from verify.summation import Summation

_NAN, _INF = np.nan, np.inf
_GEMM = "one sum of the scaled terms and the addend, in any order: torch.addmm, torch.baddbmm"


def _affine(c: Array, a: Array, b: Array, beta: float = 1, alpha: float = 1) -> Array:
    return beta * c + alpha * np.matmul(a, b)


def _affine_vjp(
    g: Array, c: Array, a: Array, b: Array, beta: float = 1, alpha: float = 1
) -> tuple[Array, Array, Array]:
    of_a, of_b = np.matmul(g, np.swapaxes(b, -1, -2)), np.matmul(np.swapaxes(a, -1, -2), g)
    return summed_to(beta * g, c.shape), alpha * of_a, alpha * of_b


_AFFINE = analysed(
    "C = β D + α A B",
    _affine,
    _GEMM,
    algorithm=lambda c, a, b, beta=1, alpha=1: product_and_sum(alpha * a, b, beta * c),
)
_AFFINE_IN_STEPS = analysed(_AFFINE.text, _affine, "a stored product, scaled and added")
_AFFINE_VJP = analysed("∂D = β G (summed where broadcast), ∂A = α G Bᵀ, ∂B = α Aᵀ G", _affine_vjp, _GEMM)


def _addend(a: Arithmetic, name: str) -> float:
    """What is added to a hard product: it is as large as the product may be, and no larger."""
    return {"near overflow": a.largest / 8, "near underflow": a.smallest_normal}.get(name, 1.0)


def _hard_sums(batched: bool) -> tuple[HardInput, ...]:
    """The hard products with something added to them."""

    def build(hard: HardInput, a: Arithmetic) -> Inputs:
        x, y = hard.build(a)
        c = np.full((x.shape[0], y.shape[1]), _addend(a, hard.name))
        return tuple(entries[None] if batched else entries for entries in (c, x, y))

    return tuple(
        HardInput(hard.name, functools.partial(build, hard), far=hard.far) for hard in hard_products()
    )


def _added_cost(workload: Workload) -> Cost:
    """A product, and one more input that is read and added."""
    added, a, b = workload.shapes
    product = product_cost(Workload(workload.label, (a, b)))
    written = product.written
    return Cost(product.flops + written, product.elements + math.prod(added), written)


def _added_batch(workload: Workload) -> Batch:
    added, a, b = workload.shapes
    product = (*a[:-1], b[-1])
    first = 0 if len(added) == len(product) and added[0] == product[0] else None
    return Batch((first, 0, 0 if len(b) == 3 else None))


def _added_special(*lead: int) -> tuple[Special, ...]:
    """Left out by β = 0, or propagated: with so many leading dimensions of size 1."""

    def shaped(*rows: list[float]) -> Array:
        return np.array(rows).reshape(*lead, len(rows), -1)

    a, b = shaped([1.0, 2.0]), shaped([3.0, 0.5], [-1.0, 4.0])
    return (
        Special(
            "nan and inf left out by beta 0",
            (shaped([_NAN, _INF]), a, b),
            shaped([1.0, 8.5]),
            "torch.addmm: if beta is 0, nan and inf in the input are not propagated",
            {"beta": 0},
        ),
        Special(
            "nan and inf added", (shaped([_NAN, _INF]), a, b), shaped([_NAN, _INF]), "IEEE 754-2019, 6.1, 6.2"
        ),
        Special(
            "an empty product",
            (shaped([1.0, -2.0]), np.empty((*lead, 1, 0)), np.empty((*lead, 0, 2))),
            shaped([1.0, -2.0]),
            "a sum of no terms is 0",
        ),
    )


def _sum_of_parts(product: Callable[..., Any]) -> Identity:
    """The fused operation is the product, scaled, and the sum."""
    return Identity(
        f"the same in steps, by {product.__name__}",
        lambda f, c, a, b, **options: f(c, a, b, **options),
        lambda f, c, a, b, beta=1, alpha=1: beta * c + alpha * product(a, b),
        between(_AFFINE, _AFFINE_IN_STEPS),
    )


_NO_ADDEND = Identity(
    "beta 0 leaves the input out",
    lambda f, c, a, b, beta, alpha=1: f(c, a, b, beta=0, alpha=alpha),
    lambda f, c, a, b, beta, alpha=1: f(c + 1, a, b, beta=0, alpha=alpha),
    applies=lambda workload: "beta" in workload.options,
)

ADDMM = Operation(
    name="addmm",
    subject="matmul",
    function=torch.addmm,
    forward=_AFFINE,
    vjp=_AFFINE_VJP,
    domain=Domain(normal, _hard_sums(batched=False)),
    check=(
        Workload("4x5+4x7x5", ((4, 5), (4, 7), (7, 5))),
        Workload("3+6x33x3-alpha", ((3,), (6, 33), (33, 3)), {"alpha": -1.7}),
        Workload("5x1+5x5x5-beta-strided", ((5, 1), (5, 5), (5, 5)), {"beta": 0.3}, "strided"),
        Workload(
            "9x8+9x16x8-both-transposed",
            ((9, 8), (9, 16), (16, 8)),
            {"beta": 0.5, "alpha": 2.5},
            "transposed",
        ),
        Workload("7x6+7x4x6-beta0", ((7, 6), (7, 4), (4, 6)), {"beta": 0}),
    ),
    bench=(
        Workload("512+512x512x512", ((512,), (512, 512), (512, 512))),
        Workload("64x64x64", ((64, 64), (64, 64), (64, 64))),
        Workload("255x511+255x257x511-strided", ((255, 511), (255, 257), (257, 511)), layout="strided"),
    ),
    cost=_added_cost,
    identities=(_sum_of_parts(torch.mm), _NO_ADDEND),
    special=_added_special(),
    refuses=(
        Refusal("inner sizes 3 and 4", lambda f, tensor: f(tensor(2, 2), tensor(2, 3), tensor(4, 2))),
        Refusal("an addend that does not repeat", lambda f, tensor: f(tensor(3), tensor(2, 3), tensor(3, 2))),
        Refusal("a batch", lambda f, tensor: f(tensor(2), tensor(1, 2, 3), tensor(1, 3, 2))),
        other_dtype((2, 2), (2, 3), (3, 2)),
        not_a_tensor(3),
    ),
    batch=_added_batch,
    summations=(
        Summation(added_product),
        of_gradient(0, lambda x: (x.new_zeros(4), ones_for_each(x, 3), x.new_zeros(3, 4))),
        of_gradient(2, lambda x: (x.new_zeros(4), ones_for_each(x, 3), x.new_zeros(3, 4))),
    ),
)

BADDBMM = Operation(
    name="baddbmm",
    subject="matmul",
    function=torch.baddbmm,
    forward=_AFFINE,
    vjp=_AFFINE_VJP,
    domain=Domain(normal, _hard_sums(batched=True)),
    check=(
        Workload("3x4x5+3x4x6x5", ((3, 4, 5), (3, 4, 6), (3, 6, 5))),
        Workload("4+2x3x33x4-alpha", ((4,), (2, 3, 33), (2, 33, 4)), {"alpha": -1.7}),
        Workload("1x5x5+2x5x5x5-beta-strided", ((1, 5, 5), (2, 5, 5), (2, 5, 5)), {"beta": 0.3}, "strided"),
        Workload(
            "2x9x8+2x9x16x8-both-transposed",
            ((2, 9, 8), (2, 9, 16), (2, 16, 8)),
            {"beta": 0.5, "alpha": 2.5},
            "transposed",
        ),
        Workload("2x7x6+2x7x4x6-beta0", ((2, 7, 6), (2, 7, 4), (2, 4, 6)), {"beta": 0}),
    ),
    bench=(
        Workload("16x128x128x128", ((16, 128, 128), (16, 128, 128), (16, 128, 128))),
        Workload("256x16x16x16", ((256, 16, 16), (256, 16, 16), (256, 16, 16))),
    ),
    cost=_added_cost,
    identities=(_sum_of_parts(torch.bmm), _NO_ADDEND),
    special=_added_special(1),
    refuses=(
        Refusal(
            "inner sizes 3 and 4", lambda f, tensor: f(tensor(1, 2, 2), tensor(1, 2, 3), tensor(1, 4, 2))
        ),
        Refusal("batches of 2 and 3", lambda f, tensor: f(tensor(2, 2), tensor(2, 2, 3), tensor(3, 3, 2))),
        Refusal(
            "matrices",
            lambda f, tensor: f(tensor(2, 2), tensor(2, 3), tensor(3, 2)),
            (RuntimeError, IndexError),
        ),
        other_dtype((1, 2, 2), (1, 2, 3), (1, 3, 2)),
        not_a_tensor(3),
    ),
    batch=_added_batch,
    summations=(Summation(lambda f, x: f(x.new_zeros(4), rows(x)[None], ones(x)[None])[0, 0, 0]),),
)


def _linear(x: Array, w: Array, b: Array | None = None) -> Array:
    y = np.matmul(x, w.T)
    return y if b is None else y + b


def _linear_vjp(g: Array, x: Array, w: Array, b: Array | None = None) -> tuple[Array, ...]:
    rows, flat = np.reshape(g, (-1, w.shape[0])), np.reshape(x, (-1, w.shape[1]))
    gradients = (np.matmul(g, w), np.matmul(rows.T, flat))
    return gradients if b is None else (*gradients, rows.sum(axis=0))


def _linear_cost(workload: Workload) -> Cost:
    x, w, *b = workload.shapes
    rows = float(math.prod(x[:-1]))
    written = rows * w[0]
    flops = 2.0 * written * w[1] + len(b) * written
    return Cost(flops, sum(math.prod(shape) for shape in workload.shapes) + written, written)


def _linear_in_one_sum(x: Any, w: Any, b: Any = None) -> Any:
    if b is None:
        return np.matmul(x, w.T)
    rows = np.reshape(x, (-1, x.shape[-1]))
    return np.reshape(product_and_sum(rows, w.T, b), (*x.shape[:-1], w.shape[0]))


_LINEAR = either(
    analysed(
        "y = x Wᵀ + b",
        _linear,
        "one sum of the terms and the bias, in any order: torch.nn.Linear",
        algorithm=_linear_in_one_sum,
    ),
    analysed("y = x Wᵀ + b", _linear, "a stored product and a sum, as of more than two dimensions"),
)
_WITHOUT_BIAS = {2: True, 3: False}

LINEAR = Operation(
    name="linear",
    subject="matmul",
    function=F.linear,
    forward=_LINEAR,
    vjp=analysed("∂x = G W, ∂W = Gᵀ x, ∂b = Σ G over rows", _linear_vjp, "products and a sum in any order"),
    domain=Domain(normal, hard_products(lambda a, b: (a, b.T, np.zeros(b.shape[1])))),
    check=(
        Workload("4x7-5", ((4, 7), (5, 7), (5,))),
        Workload("4x7-5-no-bias", ((4, 7), (5, 7))),
        Workload("2x3x33-6", ((2, 3, 33), (6, 33), (6,))),
        Workload("17-3", ((17,), (3, 17), (3,))),
        Workload("5x5-5-strided", ((5, 5), (5, 5), (5,)), layout="strided"),
        Workload("2x3x8-9-no-bias-transposed", ((2, 3, 8), (9, 8)), layout="transposed"),
    ),
    bench=(
        Workload("512x1024-1024", ((512, 1024), (1024, 1024), (1024,))),
        Workload("1x1024-1024", ((1, 1024), (1024, 1024), (1024,))),
        Workload("8x128x256-1023-no-bias", ((8, 128, 256), (1023, 256))),
    ),
    cost=_linear_cost,
    identities=(
        Identity(
            "linear(x, W, b) = x Wᵀ + b",
            lambda f, *x: f(*x),
            lambda f, x, w, *b: sum(b, start=x @ w.mT),
            twice(_LINEAR),
        ),
        Identity(
            "without a bias as with one of 0",
            lambda f, x, w: f(x, w),
            lambda f, x, w: f(x, w, torch.zeros_like(w[:, 0])),
            twice(_LINEAR),
            applies=lambda workload: _WITHOUT_BIAS[len(workload.shapes)],
        ),
    ),
    special=(
        Special(
            "nan and infinities",
            (np.array([[_NAN, 1.0], [_INF, 1.0], [1.0, -_INF]]), np.array([[2.0, 1.0]]), np.array([1.0])),
            np.array([[_NAN], [_INF], [-_INF]]),
            "IEEE 754-2019, 6.1, 6.2",
        ),
        Special(
            "no features",
            (np.empty((2, 0)), np.empty((3, 0)), np.array([1.0, -2.0, 0.5])),
            np.array([[1.0, -2.0, 0.5]] * 2),
            "a sum of no terms is 0",
        ),
    ),
    refuses=(
        Refusal("3 features and a weight for 4", lambda f, tensor: f(tensor(2, 3), tensor(2, 4))),
        Refusal("a bias that does not repeat", lambda f, tensor: f(tensor(2, 3), tensor(4, 3), tensor(5))),
        other_dtype((2, 3), (4, 3)),
        not_a_tensor(2),
    ),
    batch=lambda workload: (
        Batch((0, *[None] * (len(workload.shapes) - 1))) if len(workload.shapes[0]) > 1 else None
    ),
    summations=(
        Summation(lambda f, x: f(rows(x), ones(x).T)[0, 0]),
        of_gradient(1, lambda x: (ones_for_each(x, 3), x.new_zeros(4, 3), x.new_zeros(4))),
        of_gradient(2, lambda x: (ones_for_each(x, 3), x.new_zeros(4, 3), x.new_zeros(4))),
    ),
)
