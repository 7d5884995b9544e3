"""Products with vectors: mv, dot, outer."""

from __future__ import annotations

import numpy as np
import torch

from verify.formulas.analysis import analysed, twice
from verify.formulas.arithmetic import Arithmetic
from verify.operation import (
    Array,
    Batch,
    Cost,
    Domain,
    HardInput,
    Identity,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.operations.matmul import PRODUCT, PRODUCT_VJP, hard_products, product_cost
from verify.records import promotions
from verify.records.refusals import not_a_tensor, other_dtype
from verify.records.sampling import normal
from verify.records.summed import of_gradient, ones_for_each, rows
from verify.summation import Summation

_NAN, _INF = np.nan, np.inf
_NON_FINITE = "IEEE 754-2019, 6.1, 6.2"
_NO_TERMS = "a sum of no terms is 0"
_ROWS = (
    ("nan", [_NAN, 0.0], [1.0, 2.0], _NAN),
    ("infinity", [_INF, 1.0], [2.0, -3.0], _INF),
    ("opposite infinities", [_INF, -_INF], [1.0, 1.0], _NAN),
    ("infinity times 0", [0.0, 1.0], [_INF, 1.0], _NAN),
)


MV = Operation(
    name="mv",
    subject="matmul",
    function=torch.mv,
    forward=PRODUCT,
    vjp=PRODUCT_VJP,
    domain=Domain(normal, hard_products(lambda a, b: (a, b[:, 0]))),
    check=(
        Workload("5x7", ((5, 7), (7,))),
        Workload("9x9", ((9, 9), (9,))),
        Workload("6x33-transposed", ((6, 33), (33,)), layout="transposed"),
        Workload("33x12-strided", ((33, 12), (12,)), layout="strided"),
        Workload("1x129", ((1, 129), (129,))),
    ),
    bench=(
        Workload("1024x1024", ((1024, 1024), (1024,))),
        Workload("64x64", ((64, 64), (64,))),
        Workload("1023x1025-strided", ((1023, 1025), (1025,)), layout="strided"),
    ),
    cost=product_cost,
    identities=(
        Identity(
            "mv(A, v) = the column of mm",
            lambda f, a, v: f(a, v),
            lambda f, a, v: torch.mm(a, v[:, None])[:, 0],
            twice(PRODUCT),
        ),
    ),
    special=(
        *(
            Special(name, (np.array([row]), np.array(column)), np.array([result]), _NON_FINITE)
            for name, row, column, result in _ROWS
        ),
        Special("no columns", (np.empty((2, 0)), np.empty(0)), np.zeros(2), _NO_TERMS),
    ),
    refuses=(
        Refusal("sizes 3 and 4", lambda f, tensor: f(tensor(2, 3), tensor(4))),
        Refusal("two matrices", lambda f, tensor: f(tensor(2, 3), tensor(3, 2))),
        Refusal("two vectors", lambda f, tensor: f(tensor(3), tensor(3))),
        other_dtype((2, 3), (3,)),
        not_a_tensor(2),
    ),
    batch=lambda workload: Batch((0, None)),
    summations=(
        Summation(lambda f, x: f(rows(x), torch.ones_like(x))[0]),
        of_gradient(1, lambda x: (ones_for_each(x, 3), x.new_zeros(3))),
    ),
    promotion=promotions.PRODUCT,
)


DOT = Operation(
    name="dot",
    subject="matmul",
    function=torch.dot,
    forward=PRODUCT,
    vjp=PRODUCT_VJP,
    domain=Domain(normal, hard_products(lambda a, b: (a[0], b[:, 0]))),
    check=(
        Workload("7", ((7,), (7,))),
        Workload("1", ((1,), (1,))),
        Workload("129", ((129,), (129,))),
        Workload("41-strided", ((41,), (41,)), layout="strided"),
    ),
    bench=(
        Workload("65536", ((65536,), (65536,))),
        Workload("64", ((64,), (64,))),
        Workload("1000003", ((1_000_003,), (1_000_003,))),
    ),
    cost=product_cost,
    identities=(
        Identity("a · b = b · a", lambda f, a, b: f(a, b), lambda f, a, b: f(b, a), twice(PRODUCT)),
        Identity(
            "a · b = Σ a b",
            lambda f, a, b: f(a.double(), b.double()),
            lambda f, a, b: (a.double() * b.double()).sum(),
            lambda m, a, b: twice(PRODUCT)(Arithmetic.of("float64"), a, b),
        ),
    ),
    special=(
        *(
            Special(name, (np.array(row), np.array(column)), np.array(result), _NON_FINITE)
            for name, row, column, result in _ROWS
        ),
        Special("no entries", (np.empty(0), np.empty(0)), np.array(0.0), _NO_TERMS),
    ),
    refuses=(
        Refusal("sizes 3 and 4", lambda f, tensor: f(tensor(3), tensor(4))),
        Refusal("two matrices", lambda f, tensor: f(tensor(2, 3), tensor(2, 3))),
        Refusal("a number and a vector", lambda f, tensor: f(tensor(), tensor(3))),
        other_dtype((3,), (3,)),
        not_a_tensor(2),
    ),
    summations=(Summation(lambda f, x: f(x, torch.ones_like(x))),),
    promotion=promotions.PRODUCT,
)


def _outer(a: Array, b: Array) -> Array:
    return a[:, None] * b[None, :]


def _outer_vjp(g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return (g * b[None, :]).sum(axis=1), (g * a[:, None]).sum(axis=0)


def _outer_cost(workload: Workload) -> Cost:
    (m,), (n,) = workload.shapes
    return Cost(float(m * n), m + n + m * n, m * n)


OUTER = Operation(
    name="outer",
    subject="matmul",
    function=torch.outer,
    forward=analysed("Cᵢⱼ = aᵢ bⱼ", _outer, "one rounding, IEEE 754-2019, 5.4.1"),
    vjp=analysed(
        "∂a = G b, ∂b = Gᵀ a", _outer_vjp, "the gradient of a broadcast product: multiplied, then summed"
    ),
    domain=Domain(
        normal,
        (
            HardInput("zeros", lambda a: (np.array([0.0, -0.0, 1.5]), np.array([-2.0, 0.0]))),
            HardInput(
                "near overflow",
                lambda a: (np.array([a.largest / 16, 1.0]), np.array([2.0, -0.75])),
                far=True,
            ),
            HardInput(
                "near underflow",
                lambda a: (np.array([a.smallest_normal, 1.0]), np.array([1.5, 3.0])),
                far=True,
            ),
        ),
    ),
    check=(
        Workload("5x7", ((5,), (7,))),
        Workload("9x9", ((9,), (9,))),
        Workload("1x129", ((1,), (129,))),
        Workload("33x6-strided", ((33,), (6,)), layout="strided"),
    ),
    bench=(
        Workload("1024x1024", ((1024,), (1024,))),
        Workload("64x64", ((64,), (64,))),
        Workload("16x65537", ((16,), (65537,))),
    ),
    cost=_outer_cost,
    identities=(
        Identity("outer(a, b) = outer(b, a)ᵀ", lambda f, a, b: f(a, b), lambda f, a, b: f(b, a).mT),
        Identity("outer = a column times a row", lambda f, a, b: f(a, b), lambda f, a, b: a[:, None] * b),
        Identity("(−a) bᵀ = −(a bᵀ)", lambda f, a, b: f(-a, b), lambda f, a, b: -f(a, b)),
    ),
    special=(
        Special(
            "nan, infinities and zeros",
            (np.array([_NAN, _INF, -0.0]), np.array([1.0, 0.0, -2.0])),
            np.array([[_NAN] * 3, [_INF, _NAN, -_INF], [-0.0, -0.0, 0.0]]),
            "IEEE 754-2019, 6.1 to 6.3",
        ),
        Special("no entries", (np.array([1.0, 2.0]), np.empty(0)), np.empty((2, 0)), "torch.outer: n by m"),
    ),
    refuses=(
        Refusal("a matrix", lambda f, tensor: f(tensor(2, 3), tensor(3))),
        Refusal("a number", lambda f, tensor: f(tensor(3), tensor())),
        not_a_tensor(2),
    ),
    batch=lambda workload: Batch((0, None)),
    promotion=promotions.PRODUCT,
)
