"""Elementwise activations: sigmoid, tanh, ReLU."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic
from verify.operation import Array, Domain, Formula, Identity, Operation
from verify.records import promotions
from verify.records.activation import CHECK, NEAR_ZERO, boolean, gone, rounded_away, sigmoid
from verify.records.elementwise import BENCH, INF, NAN, array_api, far, special
from verify.records.refusals import not_a_tensor
from verify.records.sampling import (
    always,
    elementwise_batch,
    elementwise_cost,
    of_every_size,
    off_zero,
    values,
)

_FAR = (
    far("rounded away", lambda a: values(rounded_away(a), -rounded_away(a))),
    far("beyond exp", lambda a: values(gone(a), -gone(a))),
    far("largest", lambda a: values(a.largest, -a.largest)),
)


def _sigmoid_bound(a: Arithmetic, x: Array) -> Array:
    # 1/(1 + e): exp is off by `elementary`, of which 1 − σ reaches the result; the sum and the quotient
    # round once each.
    s = sigmoid(x)
    return s * (a.elementary * (1 - s) + 2 * a.u)


def _sigmoid_vjp_bound(a: Arithmetic, g: Array, x: Array) -> tuple[Array]:
    # torch forms g·(1 − y)·y from the stored y. The error of y passes through ∂(y − y²)/∂y = 1 − 2y; two
    # products and a difference round once each, and 1 − y cannot be finer than the rounding of y; a product
    # below the normal numbers is off by a subnormal, which the next factor scales.
    s = sigmoid(x)
    stored = _sigmoid_bound(a, x) + a.u * s
    return (np.abs(g) * (np.abs(1 - 2 * s) * stored + stored**2 + 3 * a.u * s * (1 - s)) + 2 * a.smallest,)


SIGMOID = Operation(
    name="sigmoid",
    subject="activations",
    function=torch.sigmoid,
    forward=Formula(
        "σ(x) = 1/(1 + exp(−x))",
        sigmoid,
        _sigmoid_bound,
        "rounding-error analysis of 1/(1 + exp(−x)), Higham 2002, §3.1",
    ),
    vjp=Formula(
        "∂x = g σ(x) σ(−x)",
        lambda g, x: (g * sigmoid(x) * sigmoid(-x),),
        _sigmoid_vjp_bound,
        "σ′ = σ(1 − σ), analysed as torch forms it from the stored output (derivatives.yaml, sigmoid)",
    ),
    domain=Domain(of_every_size, (*NEAR_ZERO, *_FAR)),
    check=CHECK,
    bench=BENCH,
    cost=elementwise_cost(4),
    identities=(
        Identity(
            "σ(−x) = 1 − σ(x)",
            lambda f, x: f(-x),
            lambda f, x: 1 - f(x),
            lambda a, x: a.stored(1, _sigmoid_bound(a, x) + _sigmoid_bound(a, -x) + a.u),
        ),
        Identity(
            "σ lies in [0, 1]",
            lambda f, x: f(x),
            lambda f, x: f(x).clamp(0, 1),
        ),
    ),
    naive=lambda x: torch.exp(x) / (1 + torch.exp(x)),
    special=special(
        "the limits of torch.nn.Sigmoid's formula",
        {
            "nan": ((NAN, NAN),),
            "infinities": ((INF, 1.0), (-INF, 0.0)),
            "zeros": ((0.0, 0.5), (-0.0, 0.5)),
        },
    ),
    refuses=(not_a_tensor(),),
    batch=elementwise_batch,
    entrywise=always,
    promotion=promotions.TO_FLOATING,
)


def _tanh_bound(a: Arithmetic, x: Array) -> Array:
    return np.abs(np.tanh(x)) * a.elementary


def _tanh_vjp_bound(a: Arithmetic, g: Array, x: Array) -> tuple[Array]:
    # torch forms g·(1 − y²) from the stored y: the error of y enters as 2|y|·δ + δ², y² and the
    # difference round once each, and so does the product.
    y = np.abs(np.tanh(x))
    stored = _tanh_bound(a, x) + a.u * y
    return (np.abs(g) * (2 * y * stored + stored**2 + a.u * y**2 + 2 * a.u * (1 - y**2)) + 2 * a.smallest,)


TANH = Operation(
    name="tanh",
    subject="activations",
    function=torch.tanh,
    forward=Formula("tanh x", np.tanh, _tanh_bound, "the documented error of the vector library's tanh"),
    vjp=Formula(
        "∂x = g / cosh² x",
        lambda g, x: (g / np.cosh(x) ** 2,),
        _tanh_vjp_bound,
        "tanh′ = 1 − tanh², analysed as torch forms it from the stored output (derivatives.yaml, tanh)",
    ),
    domain=Domain(of_every_size, (*NEAR_ZERO, *_FAR)),
    check=CHECK,
    bench=BENCH,
    cost=elementwise_cost(4),
    identities=(
        Identity(
            "tanh x = 2σ(2x) − 1",
            lambda f, x: f(x),
            lambda f, x: 2 * torch.sigmoid(2 * x) - 1,
            lambda a, x: a.stored(1, _tanh_bound(a, x) + 2 * _sigmoid_bound(a, 2 * x) + 2 * a.u + a.w),
        ),
        Identity(
            "tanh(−x) = −tanh x",
            lambda f, x: f(-x),
            lambda f, x: -f(x),
            lambda a, x: 2 * a.stored(np.tanh(x), _tanh_bound(a, x)),
        ),
    ),
    naive=lambda x: (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x)),
    special=special(
        array_api("tanh"),
        {
            "nan": ((NAN, NAN),),
            "infinities": ((INF, 1.0), (-INF, -1.0)),
            "zeros": ((0.0, 0.0), (-0.0, -0.0)),
        },
    ),
    refuses=(not_a_tensor(),),
    batch=elementwise_batch,
    entrywise=always,
    promotion=promotions.TO_FLOATING,
)


def _exact(a: Arithmetic, *arguments: Any) -> Array:
    return np.zeros(arguments[-1].shape)


RELU = Operation(
    name="relu",
    subject="activations",
    function=torch.relu,
    forward=Formula(
        "max(x, 0)", lambda x: np.where(x > 0, x, 0 * x), _exact, "exact: a comparison and a copy"
    ),
    vjp=Formula(
        "∂x = g if x > 0 else 0",
        lambda g, x: (np.where(x > 0, g, 0 * g),),
        lambda a, g, x: (_exact(a, x),),
        "exact; at 0 torch takes the derivative from the left, 0 (torch.nn.ReLU)",
    ),
    domain=Domain(
        off_zero,
        (*NEAR_ZERO, far("largest", lambda a: values(a.largest, -a.largest))),
    ),
    check=CHECK,
    bench=BENCH,
    cost=elementwise_cost(1),
    identities=(
        Identity("relu(x) − relu(−x) = x", lambda f, x: f(x) - f(-x), lambda f, x: x),
        Identity("relu(relu(x)) = relu(x)", lambda f, x: f(f(x)), lambda f, x: f(x)),
    ),
    special=special(
        "torch.nn.ReLU, max(0, x)",
        {"nan": ((NAN, NAN),), "infinities": ((INF, INF), (-INF, 0.0)), "zero": ((0.0, 0.0),)},
    ),
    refuses=(not_a_tensor(), boolean()),
    batch=elementwise_batch,
    entrywise=always,
    promotion=promotions.KEPT,
)
